"""Every architecture of ``keras.applications``, with random weights and a small input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.conformance.case import Array, Case

#: The smallest input that an architecture allows, where that is not 32 pixels.
SIZES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}

#: What is made of each besides float32.
TECHNIQUES = ("uint8", "int8")

#: Images of each: what 8 bits cost is a share of how much outputs vary over them.
IMAGES = 8

#: The layers of an architecture that takes pixels as they are: ConvNeXt has the second one alone.
PREPROCESSING = ("Rescaling", "Normalization")

#: Over 200 MB, or minutes: last, and in nightly runs alone.
HUGE = (
    *("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtXLarge", "EfficientNetB5"),
    *("EfficientNetB6", "EfficientNetB7", "EfficientNetV2L", "EfficientNetV2M", "NASNetLarge"),
    *("InceptionResNetV2", "ResNet101", "ResNet101V2", "ResNet152", "ResNet152V2"),
)


def cases() -> Iterator[Case]:
    """All of them, the huge ones last."""
    import keras

    names = [n for n in dir(keras.applications) if n[0].isupper()]
    for name in sorted(names, key=lambda name: (name in HUGE, name)):
        yield Case(name, "applications", _building(name), _images, name, TECHNIQUES)


def _building(name: str) -> Any:
    def build() -> Any:
        import keras

        size = SIZES.get(name, 32)
        return getattr(keras.applications, name)(
            weights=None, input_shape=(size, size, 3), classes=10
        )

    return build


def _images(model: Any) -> list[Array]:
    """Coloured surfaces with some noise, unlike each other as photographs are.

    Of 0 to 255 where the model brings its preprocessing along, of -1 to 1 else.
    """
    scales = any(type(layer).__name__ in PREPROCESSING for layer in model.layers)
    size, chance = model.inputs[0].shape[1], np.random.default_rng(2)
    corners = chance.uniform(-1, 1, (IMAGES, 4, 4, 3))
    tiles = corners.repeat(-(-size // 4), 1).repeat(-(-size // 4), 2)[:, :size, :size]
    images = 0.8 * tiles + 0.2 * chance.uniform(-1, 1, tiles.shape)
    return [(127.5 * (images + 1) if scales else images).astype(np.float32)]
