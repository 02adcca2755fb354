"""What a config's ``keep`` says: bounds on samples, for which a technique leaves parts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, create_model, model_validator

from pipeline.base.options import StrictOptions
from pipeline.measures.bounds import gates_type


class _Keep(StrictOptions):
    """How close to float32 outputs and answers must stay on calibration samples."""

    samples: Annotated[int, Field(ge=1)] = 64
    """How many calibration samples it is measured on."""

    @model_validator(mode="after")
    def _some_bound(self) -> _Keep:
        if not self.bounds():
            raise ValueError(
                "name a bound, such as relative_error, snr_db or an agreement of the task"
            )
        return self

    def bounds(self) -> dict[str, float]:
        """Metric -> bound."""
        return self.model_dump(exclude={"samples"}, exclude_none=True)


if TYPE_CHECKING:
    Keep = _Keep
else:
    _bases = (_Keep, gates_type(differences=True))
    Keep = create_model("Keep", __base__=_bases, __doc__=_Keep.__doc__)
