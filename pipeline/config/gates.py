"""What artifacts are held to: where they run, and the bounds that they keep there."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pipeline.base.options import StrictOptions, as_list
from pipeline.measures.bounds import Gates


def _targets(schema: dict[str, Any]) -> None:
    """Let editors complete the names."""
    from pipeline.backends.targets import ALL, names

    listed = {"type": "array", "items": {"enum": list(names())}, "minItems": 1}
    for key in ("type", "items", "minItems"):
        schema.pop(key, None)
    schema["anyOf"] = [{"const": ALL}, listed]


class Validate(StrictOptions):
    """Where artifacts are proved, and what they must keep."""

    backends: Annotated[list[str], BeforeValidator(as_list)] = Field(
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
