"""What a config can say: one model, and everything about it.

``source``, ``samples``, ``variants`` and ``export`` are typed in ``config_type``
by what discovery finds, so that the config and its JSON Schema grow with the folders.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, field_validator

from pipeline.base.options import StrictOptions
from pipeline.config.gates import Validate
from pipeline.config.region import Region
from pipeline.storage.layout import NAME, RESERVED
from pipeline.tasks.find import Purpose

Name = Annotated[str, Field(pattern=f"^{NAME}$")]


class Publish(StrictOptions):
    """Where a release goes."""

    to: str = "artifacts/cdn"
    """The CDN folder, read from where the command is run; or any URL that fsspec knows, such as
    s3://bucket/prefix."""
    channel: Name = "latest"
    """The pointer that is moved to the new release."""
    compress: Literal["quick", "best"] = "quick"
    """How hard brotli tries. ``quick`` takes seconds, and leaves a hundredth more of large weights
    and a fifth more of ONNX Runtime's WebAssembly; ``best`` takes minutes for those, and is for
    releases that many will load."""
    drop_dominated: bool = False
    """Leave out artifacts that are no smaller after brotli and no faster than one of their format
    that is no worse; float32 stays."""

    @field_validator("to")
    @classmethod
    def _can_be_written(cls, to: str) -> str:
        from pipeline.storage import problem

        if reason := problem(to):
            raise ValueError(reason)
        return to


def _free(name: str) -> str:
    """Refuse a folder that would lie over another thing in the CDN folder."""
    if name in RESERVED or name.endswith(".json"):
        raise ValueError(f"{name} is a file or folder of the CDN's own; choose another name")
    return name


class Config(StrictOptions):
    """One model: where it comes from, what is made of it, and what must hold."""

    name: Annotated[Name, AfterValidator(_free)]
    """The model's name: its folder in the CDN."""
    task: Any = None
    """What the model is for: a task's name, or its name with options."""
    description: str = ""
    """One sentence for those who find the model in the CDN."""
    license: str = Field(min_length=1)
    """The model's licence, as an SPDX identifier where it has one."""
    source: Any
    """Where the pre-trained model comes from: exactly one kind."""
    samples: Any = Field({"random": {}}, validate_default=True)
    """Inputs to calibrate, compare and evaluate with: exactly one kind."""
    input: Any = Field({"tensors": {}}, validate_default=True)
    """What kind of input the model reads, and how it becomes tensors: exactly one kind."""
    region: Region | None = None
    """Of a model that reads one thing close up: where in a picture it looks, and what finds that.
    The two are proved together too, and are one release."""
    labels: list[str] | None = None
    """The classes, in the order of the outputs."""
    variants: Any
    """Optimized versions of the model, by name."""
    export: Any
    """The formats to publish."""
    validate_: Validate = Field(default_factory=Validate, alias="validate")
    """Where artifacts are proved, and what they must keep."""
    publish: Publish = Field(default_factory=Publish)
    """Where a release goes."""

    _path: Path | None = PrivateAttr(None)
    _detector: Config | None = PrivateAttr(None)

    def model_post_init(self, context: Any, /) -> None:
        """Remember where it was read from, which is no key of it, and read the detector's."""
        self._path = (context or {}).get("path")
        if self.region and context:
            self._detector = context["load"](self.region.detector)

    @property
    def path(self) -> Path | None:
        """The file it was read from; digests of downloads are kept beside it."""
        return self._path

    @property
    def detector(self) -> Config | None:
        """The config of what finds where to look, where ``region`` names one."""
        return self._detector

    @property
    def purpose(self) -> Purpose:
        """What the model is for, as steps are told it."""
        purpose: Purpose = self.task.purpose
        return purpose.model_copy(update={"labels": self.labels or []})

    @property
    def is_searched(self) -> bool:
        """Whether a variant's techniques are still to be found."""
        return any(variant.search is not None for variant in self.variants.values())
