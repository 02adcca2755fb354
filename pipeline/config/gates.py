"""What artifacts are held to: where they run, and the bounds that they keep there."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pipeline.base.options import Options


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
