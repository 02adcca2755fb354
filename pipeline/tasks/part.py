"""Where numbers stand in a model's outputs, and what is still to be done with them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from pipeline.base.errors import ConfigError
from pipeline.base.options import StrictOptions
from pipeline.tensors.arrays import Arrays, Float64s, np

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]

#: Where logits end, as MediaPipe's do.
MOST_LOGIT = 100.0


class Part(StrictOptions):
    """Where numbers of each box, or of another thing, stand."""

    shorthand: ClassVar[str | None] = "output"

    output: str
    """The output's name. Its last axis holds a box's numbers, those before it the boxes."""

    columns: tuple[int, int] | None = None
    """The first of its columns, from 0, and the one behind the last; all where it is left out."""

    activation: Literal["none", "sigmoid"] = "none"
    """What is still to be done with the numbers."""

    @model_validator(mode="after")
    def _has_columns(self) -> Part:
        if self.columns and not 0 <= self.columns[0] < self.columns[1]:
            raise ValueError("columns are the first, from 0, and the one behind the last: [0, 4]")
        return self


def read_table(
    outputs: Arrays, part: Part, name: str, rows: int | None = None, wide: int | None = None
) -> Float64s:
    """[rows, columns] of a part.

    Args:
        name: where a config says it, for an error.
        rows: how many there have to be; ``None``: as many as the last axis leaves.
        wide: how many columns there have to be.

    Raises:
        ConfigError: the output is missing, or of another shape.
    """
    values = read_values(outputs, part, name)
    count = values.size // values.shape[-1] if rows is None and values.ndim else rows
    if not count or values.size % count:
        raise wrong(f"{part.output} is {values.shape}, no table of {rows or 'some'} rows", name)
    table = values.reshape(count, -1)
    first, end = part.columns or (0, table.shape[1])
    if end > table.shape[1] or (wide and end - first != wide):
        wanted = f"{wide} columns" if wide else f"columns up to {end}"
        raise wrong(
            f"{part.output} has {table.shape[1]} columns, {name.rpartition('.')[2]} needs {wanted}",
            name,
        )
    return activate(table[:, first:end], part)


def read_map(outputs: Arrays, part: Part, name: str) -> Float64s:
    """[height, width, columns]."""
    values = read_values(outputs, part, name)
    if values.ndim != 3:
        raise wrong(f"{part.output} is no map [height, width, columns]: {values.shape}", name)
    return activate(values, part)


def read_values(outputs: Arrays, part: Part, name: str) -> Float64s:
    """An output as it is."""
    if part.output not in outputs:
        raise wrong(f"there is no output {part.output}, only {', '.join(outputs)}", name)
    return outputs[part.output].astype(np.float64)


def activate(values: Float64s, part: Part) -> Float64s:
    """What is still to be done."""
    if part.activation == "none":
        return values
    shares: Float64s = 1 / (1 + np.exp(-np.clip(values, -MOST_LOGIT, MOST_LOGIT)))
    return shares


def wrong(what: str, name: str) -> ConfigError:
    """An output that is not what the options at ``name`` say."""
    return ConfigError(
        what,
        where=name,
        todo="say which output holds what; `pipeline plan` lists outputs and their shapes",
    )
