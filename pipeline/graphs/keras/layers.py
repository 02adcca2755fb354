"""The layers of a Keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    Augment = Callable[[tuple[Array, ...], np.random.Generator], tuple[Array, ...]]


def layers(model: Any) -> list[Any]:
    """Every layer, those of models within the model too."""
    return list(model._flatten_layers(include_self=False))
