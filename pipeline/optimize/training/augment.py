"""Images as a camera could have seen them too: turned, zoomed and shifted a little.

Not a technique itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.optimize.training.examples import Examples
    from pipeline.optimize.training.finetune import Augment

#: Dimensions of a batch of images.
RANK = 4

#: The most that one image is changed at strength 1.
TURN_DEGREES = 10
ZOOM = 0.1
SHIFT = 0.06
"""A share of the height and the width."""


def mover(strength: float, examples: Examples) -> Augment | None:
    """``moved`` on those of a model's inputs that are images, [n, height, width, channels], as
    ``finetune.fit`` takes it; ``None`` at strength 0.

    Raises:
        PipelineError: none of the inputs is images.
        ConfigError: what is right for an image is not right once it was turned.
    """
    if not strength:
        return None
    if not any(values.ndim == RANK for values in examples.inputs):
        shapes = ", ".join(str(list(values.shape[1:])) for values in examples.inputs)
        raise PipelineError(
            f"only images can be turned, zoomed and shifted, but a sample is {shapes}",
            where="augment",
            todo="leave augment out",
        )
    if examples.teaching and not examples.teaching.is_still:
        raise ConfigError(
            "where images are turned, zoomed and shifted, what is right for them changes too",
            where="augment",
            todo="set label_share to 0, so that the source alone teaches, or leave augment out",
        )
    return lambda inputs, chance: tuple(
        move_images(values, chance, strength) if values.ndim == RANK else values
        for values in inputs
    )


def move_images(images: Array, chance: np.random.Generator, strength: float = 1.0) -> Array:
    """Turn, zoom and shift each image by another bit; what comes in repeats the edge.

    Args:
        images: float [n, height, width, channels].
        chance: decides how much.
        strength: 0 changes nothing; 1 as much as the constants above say.
    """
    import tensorflow as tf

    count, height, width, _ = images.shape
    angle, zoom, down, right = strength * chance.uniform(-1, 1, (4, count))
    turn, scale = np.radians(TURN_DEGREES * angle), 1 + ZOOM * zoom
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    x, y = (width - 1) / 2, (height - 1) / 2  # the middle stays where it is, but for the shift
    zeros = np.zeros(count)
    transforms = np.stack(
        [
            *(cos, -sin, x - cos * x + sin * y + SHIFT * width * right),
            *(sin, cos, y - sin * x - cos * y + SHIFT * height * down),
            *(zeros, zeros),
        ],
        axis=1,
    )
    changed: Array = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms.astype(np.float32),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    ).numpy()
    return changed
