"""What a config can say: one model, and everything about it.

``source``, ``samples``, ``variants`` and ``export`` are typed in ``config_type``
by what discovery finds, so that the config and its JSON Schema grow with the folders.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, field_validator

from pipeline.base.options import Options
from pipeline.config.preprocess import Preprocess
from pipeline.storage.layout import NAME, RESERVED

Name = Annotated[str, Field(pattern=f"^{NAME}$")]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _targets(schema: dict[str, Any]) -> None:
    """Let editors complete the names."""
    from pipeline.backends.targets import ALL, names

    listed = {"type": "array", "items": {"enum": list(names())}, "minItems": 1}
    for key in ("type", "items", "minItems"):
        schema.pop(key, None)
    schema["anyOf"] = [{"const": ALL}, listed]


class Gates(Options):
    """Bounds that an artifact must keep, on every backend, to be published."""

    max_abs_error: float | None = Field(None, ge=0)
    """Largest absolute difference from the golden, over all outputs and samples."""
    mean_abs_error: float | None = Field(None, ge=0)
    """Mean absolute difference from the golden; the worst output counts."""
    logits_max_abs_error: float | None = Field(None, ge=0)
    """The same as max_abs_error on the logits, for outputs that are a softmax."""
    relative_error: float | None = Field(None, ge=0)
    """Root mean square error, as a share of how much the golden itself varies over the samples."""
    elementwise_relative_error: float | None = Field(None, ge=0)
    """Largest difference of an element as a share of the golden's element; elements below 1 % of
    their output's root mean square are compared by that."""
    cosine: float | None = Field(None, ge=-1, le=1)
    """Smallest cosine similarity between a sample's output and its golden."""
    snr_db: float | None = Field(None, ge=-200, le=200)
    """Signal-to-noise ratio in dB: the golden's size over the error's; at least this."""
    share_over_0_01: float | None = Field(None, ge=0, le=1)
    """Share of elements that differ from the golden by more than 0.01; at most this."""
    share_over_0_1: float | None = Field(None, ge=0, le=1)
    """Share of elements that differ from the golden by more than 0.1; at most this."""
    top1_agreement: float | None = Field(None, ge=0, le=1)
    """Share of samples whose largest output is the golden's; at least this. Missed where all of its
    confidence interval is below, or the share by more than a point; see strict."""
    top5_agreement: float | None = Field(None, ge=0, le=1)
    """Share of samples whose golden class is among the five largest outputs; at least this. Only
    where there are six classes or more."""
    half_precision: bool | None = None
    """Whether the artifact must be safe on a GPU that keeps tensors in float16, as those of phones
    do: measured for TF.js formats where validate.backends has tfjs-webgl."""
    portable: bool | None = None
    """false lets an artifact pass whose integer products some processors cut off, such as x86
    without VNNI; `portable: false` of int8 does as well."""
    accuracy_drop: float | None = Field(None, ge=-1, le=1)
    """How much of the task's metric may be lost against the source, 0.01 = one point. Missed where
    all of the paired confidence interval is above, or the loss by more than a point; see strict."""
    latency_ratio: float | None = Field(None, gt=0)
    """How many times as long as its format's float32 artifact, timed in turn with it, it may take.
    Missed where all of the confidence interval is above; not applied to what has no such ratio,
    nor on a rasterizer, whose speed says nothing of a GPU's."""
    bytes: int | None = Field(None, ge=1)
    """Largest size of all files of the artifact together."""
    wire_bytes: int | None = Field(None, ge=1)
    """The same after brotli, as it goes over the wire; not applied in a build that may publish
    nothing, since it compresses nothing."""


class Validate(Options):
    """Where artifacts are proved, and what they must keep."""

    backends: Annotated[list[str], BeforeValidator(_listed)] = Field(
        ["onnxruntime-cpu", "tfjs-wasm", "tfjs-webgl"], min_length=1, json_schema_extra=_targets
    )
    """Where every artifact is run and compared with the golden: BACKEND or BACKEND@ENGINE
    (chromium, if none is named), which must then be there; or the word all, every backend in
    every engine, of which those that are missing are reported and stop nothing."""
    gates: dict[str, Gates] = Field(default_factory=dict)
    """Bounds by artifact (onnx/int8), variant (int8), format (onnx) or default; by where it runs
    (ort-wasm, tfjs-webgl@firefox); or by both (int8 ort-wasm). For each metric the most particular
    key decides: first one that names an engine, then a backend, then neither; among equals, in the
    order above. Where none bounds a difference from the golden, that of its number format does:
    pipeline/validate/tolerances.py."""
    strict: bool = False
    """Hold accuracy_drop and the agreements to their bounds as they were measured. Without it, what
    is beyond a bound by less than these samples can tell, and by a point at most, passes and is
    reported."""
    threads: int | None = Field(None, ge=1, le=64)
    """Threads of tfjs-wasm and ort-wasm; what each takes by itself, if none are named, which is one
    on a machine with two cores."""
    repeats: int = Field(20, ge=1, le=10_000)
    """Timed inferences of one sample, at least; more where they are quick, or their times differ
    by much. Fewer where one takes seconds, or on a rasterizer, which is no measure of a GPU."""


class Publish(Options):
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

        if said := problem(to):
            raise ValueError(said)
        return to


def _free(name: str) -> str:
    """Refuse a folder that would lie over another thing in the CDN folder."""
    if name in RESERVED or name.endswith(".json"):
        raise ValueError(f"{name} is a file or folder of the CDN's own; choose another name")
    return name


class Config(Options):
    """One model: where it comes from, what is made of it, and what must hold."""

    name: Annotated[Name, AfterValidator(_free)]
    """The model's name: its folder in the CDN."""
    task: str = "tensors"
    """What the model is for."""
    description: str = ""
    """One sentence for those who find the model in the CDN."""
    license: str = Field(min_length=1)
    """The model's licence, as an SPDX identifier where it has one."""
    source: Any
    """Where the pre-trained model comes from: exactly one kind."""
    samples: Any = Field({"random": {}}, validate_default=True)
    """Inputs to calibrate, compare and evaluate with: exactly one kind."""
    preprocess: Preprocess | None = None
    """How an image becomes an input tensor."""
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
    _searches: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)

    @property
    def path(self) -> Path | None:
        """The file it was read from; digests of downloads are kept beside it."""
        return self._path

    @property
    def is_searched(self) -> bool:
        """Whether a variant's techniques are still to be found."""
        return any(variant.search is not None for variant in self.variants.values())

    @property
    def searches(self) -> dict[str, dict[str, Any]]:
        """Variants that a search found, and each one's outcome as JSON."""
        return self._searches
