"""One model of the table: how it is built, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Samples of each model: two would hide a constant answer, more cost time.
COUNT = 3
#: Integer inputs are below this: indices of words and of classes.
INTEGERS = 7


@dataclass(frozen=True)
class Case:
    """A Keras 3 model, built where TensorFlow is."""

    name: str
    group: str
    """``layers``, ``composed`` or ``applications``."""
    build: Callable[[], Any]
    give: Callable[[Any], list[Array]] | None = None
    """The model -> a batch for each of its inputs, where random numbers are no input."""
    covers: str = ""
    """The class of ``keras.layers`` or ``keras.applications`` that it shows."""
    techniques: tuple[str, ...] = ()
    """What is made of it besides float32, in the formats that hold it."""

    @property
    def id(self) -> str:
        return f"{self.group}/{self.name}"


def samples(case: Case, model: Any) -> list[Array]:
    """[COUNT, …] for each input of the model, always the same."""
    if case.give is not None:
        return case.give(model)
    chance = np.random.default_rng(5)
    return [_values(_sizes(tensor.shape), str(tensor.dtype), chance) for tensor in model.inputs]


def _sizes(shape: Sequence[int | None]) -> tuple[int, ...]:
    batch, *rest = shape
    return (batch or COUNT, *(8 if size is None else size for size in rest))


def _values(shape: tuple[int, ...], dtype: str, chance: np.random.Generator) -> Array:
    if dtype == "bool":
        return chance.integers(0, 2, shape).astype(bool)
    if "int" in dtype:
        return chance.integers(0, INTEGERS, shape).astype(dtype)
    return chance.normal(size=shape).astype(dtype)
