"""What artifacts are held to: where they run, and the bounds that they keep there."""

from __future__ import annotations

from functools import cache, partial
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    create_model,
)
from pydantic_core.core_schema import (
    CoreSchema,
    no_info_after_validator_function,
    plain_serializer_function_ser_schema,
)

from pipeline.base.options import Options
from pipeline.measures.metrics import all_metrics


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _targets(schema: dict[str, Any]) -> None:
    """Let editors complete the names."""
    from pipeline.backends.targets import ALL, names

    listed = {"type": "array", "items": {"enum": list(names())}, "minItems": 1}
    for key in ("type", "items", "minItems"):
        schema.pop(key, None)
    schema["anyOf"] = [{"const": ALL}, listed]


@cache
def gates_type(*, differences: bool = False) -> type[Options]:
    """The keys and ranges of bounds: those of every metric that a config may bound.

    Args:
        differences: only what tells how far outputs or answers are from the golden.
    """
    fields: dict[str, Any] = {
        metric.name: (
            metric.gate.type | None,
            Field(
                None,
                ge=metric.gate.least,
                le=metric.gate.most,
                gt=metric.gate.above,
                description=metric.gate.about,
            ),
        )
        for metric in all_metrics().values()
        if metric.gate and (metric.is_difference or not differences)
    }
    text = "Bounds that an artifact must keep, on every backend, to be published."
    if differences:
        text = "Bounds on how far outputs and answers may be from those before."
    name = "Differences" if differences else "Gates"
    return create_model(name, __base__=Options, __doc__=text, **fields)


def _bounds(parsed: Options) -> dict[str, float]:
    return parsed.model_dump(exclude_none=True)


def _schema(source: Any, handler: GetCoreSchemaHandler, *, differences: bool = False) -> CoreSchema:
    """A mapping that is checked as ``gates_type`` says."""
    as_given = plain_serializer_function_ser_schema(dict)
    checked = handler.generate_schema(gates_type(differences=differences))
    return no_info_after_validator_function(_bounds, checked, serialization=as_given)


#: Metric -> its bound; what a config leaves out, or sets to null, is not there.
Gates = Annotated[dict[str, float], GetPydanticSchema(_schema)]
Differences = Annotated[dict[str, float], GetPydanticSchema(partial(_schema, differences=True))]


def parse_gates(value: Any) -> Gates:
    """Bounds as a config gives them, in the order of the metrics.

    Raises:
        ValidationError: a metric is unknown, or its bound out of range.
    """
    return _bounds(gates_type().model_validate(value))


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
