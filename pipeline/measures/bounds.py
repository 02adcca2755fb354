"""Bounds on metrics, as a config gives them: the metrics themselves say which there are."""

from __future__ import annotations

from functools import cache, partial
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetPydanticSchema, create_model
from pydantic_core.core_schema import (
    CoreSchema,
    no_info_after_validator_function,
    plain_serializer_function_ser_schema,
)

from pipeline.base.options import StrictOptions
from pipeline.measures.metrics import all_metrics


@cache
def gates_type(*, differences: bool = False) -> type[StrictOptions]:
    """The keys and ranges of bounds: those of every metric that a config may bound.

    Args:
        differences: only what tells how far outputs or answers are from the golden.
    """
    text = "Bounds that an artifact must keep, on every backend, to be published."
    if differences:
        text = "Bounds on how far outputs and answers may be from those before."
    name = "Differences" if differences else "Gates"
    return create_model(
        name, __base__=StrictOptions, __doc__=text, **_fields(differences=differences)
    )


def _fields(*, differences: bool) -> dict[str, Any]:
    return {
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


def _bounds(parsed: StrictOptions) -> dict[str, float]:
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
