"""Layers of Keras 3 that it writes in a way in which it does not take them back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def mended_layers() -> Iterator[None]:
    """Let ``RandomShear`` load its own factors: Keras 3.15 writes ``[-0.2, 0.2]`` for 0.2.

    Its constructor takes a pair from 0 to 1 only. At inference the layer gives back its input.
    """
    import keras

    layer = keras.layers.RandomShear
    check = layer._check_factor_range

    def check_magnitude(self: object, factor: float) -> None:
        check(self, abs(factor))

    layer._check_factor_range = check_magnitude
    try:
        yield
    finally:
        layer._check_factor_range = check
