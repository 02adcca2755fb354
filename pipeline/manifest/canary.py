"""A tiny golden that a client runs once after loading."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from pipeline.manifest.kinds import Count, Positive, Says, Some, closed

Dtype = Literal["float32", "float64", "bool", "uint8", "int8", "uint16", "int16", "int32", "int64"]


@closed(oneOf=[{"required": ["data", "scale", "offset"]}, {"required": ["values"]}])
class CanaryInput(TypedDict):
    """An input as it is fed. Cells of `grid` hold `values` in row-major order, or bytes of `data`
    (base64) with value = byte * scale + offset in float64. Index i of an axis of `shape` is read
    from cell floor(i * grid / shape) of that axis."""

    dtype: Dtype
    shape: list[Some]
    """Of the tensor to feed, a batch of one or the model's fixed batch included."""
    grid: list[Some]
    data: NotRequired[Annotated[str, Says({"contentEncoding": "base64"})]]
    scale: NotRequired[float]
    offset: NotRequired[float]
    values: NotRequired[list[float]]


@closed()
class CanaryOutput(TypedDict):
    """Some values of one output."""

    indices: Annotated[list[Count], Says({"maxItems": 64})]
    """Of the flattened output, of the first sample."""
    values: Annotated[list[float], Says({"maxItems": 64})]


@closed()
class CanaryAnswer(TypedDict):
    """What this artifact answers to the release's canary. A value v passes where |v - value| <=
    tolerance * span, the span being the largest minus the smallest of the output's listed values,
    or the absolute value of them where that is 0; NaN does not pass."""

    outputs: Annotated[dict[str, CanaryOutput], Says({"minProperties": 1})]
    tolerance: Positive
    """From the spread of all targets on which it passed, float16 textures included where it is safe
    in them."""


@closed()
class Canary(TypedDict):
    """What is fed to every artifact."""

    inputs: Annotated[dict[str, CanaryInput], Says({"minProperties": 1})]
