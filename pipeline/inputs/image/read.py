"""A decoded image becomes the one input of a model, and keeps how it lies there."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.base.errors import SourceError
from pipeline.inputs.contract import Tensors
from pipeline.inputs.image.fit import origin_of
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply, cast, laid_out
from pipeline.tensors.arrays import NDArray, np
from pipeline.tensors.shapes import check_shape, shown
from pipeline.tensors.signature import TensorSpec

_HOW_TO_FIT = "set size and color of input.image to what the model reads"


def read(
    image: NDArray[np.uint8], options: ImageOptions, inputs: Sequence[TensorSpec], where: str
) -> Tensors:
    """The model's input of one image, in its dtype, and the image's ``Origin``.

    Args:
        image: uint8 [height, width] or [height, width, channels], of any size.
        options: as in the config.
        inputs: the model's; an integer dtype is rounded and clipped to.
        where: what an error names.

    Raises:
        SourceError: the result does not fit the input, or the model has others.
    """
    spec = image_input(inputs, where)
    values = laid_out(apply(image, options), options, spec.shape)
    check_shape(spec, values.shape, where, _HOW_TO_FIT)
    origin = origin_of(options, *image.shape[:2])
    return Tensors({spec.name: cast(values, spec.dtype)}, origin.arrays())


def is_image(inputs: Sequence[TensorSpec]) -> bool:
    """Whether a model has one input, [batch, height, width, 1 or 3] or with channels second."""
    shape = inputs[0].shape if len(inputs) == 1 else ()
    return len(shape) == 4 and (shape[3] in (1, 3, None) or shape[1] in (1, 3))


def image_input(inputs: Sequence[TensorSpec], where: str) -> TensorSpec:
    """The one image input of a model.

    Raises:
        SourceError: the model has another kind of input, or several.
    """
    if is_image(inputs):
        return inputs[0]
    shapes = ", ".join(f"{spec.name} {shown(spec.shape)}" for spec in inputs)
    raise SourceError(
        "image samples need a model with one input [batch, height, width, 1 or 3] or [batch, 1 or "
        f"3, height, width]; it has {shapes}",
        where=where,
        todo="give the samples as arrays (samples.npz) or let them be made (samples.random)",
    )
