"""What a config can say of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.base.options import StrictOptions, as_list
from pipeline.export.contract import formats
from pipeline.measures.bounds import Gates
from pipeline.optimize.contract import techniques


def _names(registry: Callable[[], Mapping[str, Any]]) -> Any:
    """Let editors complete names that discovery finds."""

    def extend(schema: dict[str, Any]) -> None:
        name = {"enum": sorted(registry())}
        for key in ("type", "items", "minItems"):
            schema.pop(key, None)
        listed = {"type": "array", "items": name, "minItems": 1}
        schema["anyOf"] = [name, listed, {"type": "null"}]

    return extend


def _targets(schema: dict[str, Any]) -> None:
    from pipeline.backends.targets import ALL, names

    schema["anyOf"] = [{"enum": [name for name in names() if name != ALL]}, {"type": "null"}]


Names = Annotated[list[str], BeforeValidator(as_list)]


class Search(StrictOptions):
    """Try combinations of techniques and take the best that keeps the bounds."""

    minimize: Literal["wire_bytes", "bytes", "latency"]
    """What shall become small: wire_bytes, all files of the artifact after brotli; bytes, before
    it; latency, the time of one inference as a ratio to float32's."""
    keep: Gates = Field(default_factory=dict)
    """Bounds that hold for this variant besides those of validate.gates: while searching on samples
    held back from the calibration split, and at the end on the test split."""
    on: str | None = Field(None, json_schema_extra=_targets)
    """Where candidates are measured: BACKEND or BACKEND@ENGINE. Needed for latency; otherwise the
    quickest of validate.backends that runs the format and needs no GPU."""
    format: Names | None = Field(None, min_length=1, json_schema_extra=_names(formats))
    """The formats to search for, each of which must hold what is found; all graph formats that the
    config exports this variant to, if none is named. Of several, bytes are added up, and the
    slowest counts."""
    minutes: float = Field(10, gt=0, le=10_000)
    """The time for all trials together; one that would end later is not begun. What was tried
    before, in a search that was interrupted or had less time, counts with the time it took then."""
    techniques: Names | None = Field(None, min_length=1, json_schema_extra=_names(techniques))
    """The techniques to try, as in [uint8, prune]; all of them, if none is named."""
    hold_back: float = Field(0.25, gt=0, lt=1)
    """Share of the calibration samples that candidates are measured on and learn nothing from."""
    seed: int = Field(0, ge=0)
    """Decides which samples are held back, and what is tried."""

    @field_validator("on")
    @classmethod
    def _is_a_target(cls, on: str | None) -> str | None:
        from pipeline.backends import targets

        if on is not None and (on == targets.ALL or targets.problem(on)):
            wrong = targets.problem(on) or "; name one BACKEND or BACKEND@ENGINE"
            raise ValueError(f'is "{on}"{wrong}')
        return on

    @field_validator("format", "techniques")
    @classmethod
    def _are_known(cls, names: list[str] | None, info: Any) -> list[str] | None:
        available = sorted(formats() if info.field_name == "format" else techniques())
        if unknown := sorted(set(names or ()) - set(available)):
            raise ValueError(f"knows no {', '.join(unknown)}; known are {', '.join(available)}")
        return names

    @model_validator(mode="after")
    def _says_where(self) -> Search:
        if self.minimize == "latency" and self.on is None:
            raise ValueError("latency needs the key on: where it counts, as in tfjs-wasm@chromium")
        return self
