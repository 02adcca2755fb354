"""The MobileNet that a model is distilled into, and the weights that it starts from.

Howard et al. 2017, "MobileNets" (arXiv:1704.04861). Not a technique itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.tensors.arrays import Array, np

#: Filters at alpha 1 and stride of each block, as Keras numbers them from 1.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)
STEM_FILTERS = 32

#: Blocks in the order in which a shallower student does without them: first what repeats the block
#: before it, then from the end, where most weights are.
LEAST_NEEDED = (11, 10, 9, 8, 7, 13, 5, 3, 12, 6, 4, 2)

#: WebAssembly and ONNX Runtime compute four or eight channels at once.
MULTIPLE = 8

#: Of outputs, which a student has too; what other functions give it learns to give without them.
ACTIVATIONS = ("softmax", "sigmoid", "tanh")


@dataclass(frozen=True)
class Shape:
    """What a student looks like."""

    alpha: float
    """Filters, as a share of those in the paper."""
    depth: int
    """How many of the 13 blocks it has."""
    resolution: int | None
    """Height of the images that it looks at; ``None`` for those that it is given."""

    def blocks(self) -> list[tuple[int, int, int]]:
        """Number, filters and stride of each block that it has."""
        dropped = LEAST_NEEDED[: len(BLOCKS) - self.depth]
        return [
            (number, self.width(filters), stride)
            for number, (filters, stride) in enumerate(BLOCKS, 1)
            if number not in dropped
        ]

    def width(self, filters: int) -> int:
        """Filters at this alpha: a whole number of SIMD registers."""
        return max(MULTIPLE, round(filters * self.alpha / MULTIPLE) * MULTIPLE)


def build(teacher: Any, shape: Shape) -> Any:
    """An untrained student, a ``tf_keras.Model`` with its teacher's input and output.

    Raises:
        PipelineError: the teacher is no classifier of images of one size.
    """
    import tf_keras

    from pipeline.optimize.training.outputs import activation_of

    _check(teacher)
    tensor, output = teacher.inputs[0], teacher.output_names[0]
    image = tf_keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=teacher.input_names[0])
    factor = _factor(tensor.shape[1:3], shape.resolution)
    x = tf_keras.layers.AveragePooling2D(factor, name="smaller")(image) if factor > 1 else image
    x = _unit(x, tf_keras.layers.Conv2D, "conv1", 3, 2, filters=shape.width(STEM_FILTERS))
    for number, filters, stride in shape.blocks():
        x = _unit(x, tf_keras.layers.DepthwiseConv2D, f"conv_dw_{number}", 3, stride)
        x = _unit(x, tf_keras.layers.Conv2D, f"conv_pw_{number}", 1, 1, filters=filters)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    x = tf_keras.layers.Dense(teacher.outputs[0].shape[1], name=f"{output}_scores")(x)
    activation = activation_of(teacher)
    supported = activation if activation in ACTIVATIONS else "linear"
    answer = tf_keras.layers.Activation(supported, name=output)(x)
    return tf_keras.Model(image, answer, name=teacher.name)


def _unit(x: Any, kind: Any, name: str, size: int, stride: int, **options: Any) -> Any:
    """A convolution, its batch norm, and ReLU6."""
    import tf_keras

    options |= {"strides": stride, "padding": "same", "use_bias": False, "name": name}
    x = kind(kernel_size=size, **options)(x)
    x = tf_keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return tf_keras.layers.ReLU(6.0, name=f"{name}_relu")(x)


def _factor(size: Any, resolution: int | None) -> int:
    """How many pixels become one, in height and in width."""
    height, width = size
    if resolution is None:
        return 1
    factor = int(height) // resolution
    if factor < 1 or height != factor * resolution or width % factor:
        fitting = [height // n for n in range(1, height + 1) if not (height % n or width % n)]
        raise PipelineError(
            f"images of {height}x{width} cannot be made {resolution} pixels high by whole pixels",
            where="distill.resolution",
            todo=f"choose one of {', '.join(map(str, fitting))}",
        )
    return factor


def _check(teacher: Any) -> None:
    """Refuse what is no classifier of images of one size."""
    problem = None
    shapes = [tensor.shape for tensor in teacher.inputs]
    if len(shapes) > 1:
        problem = f"the model has {len(shapes)} inputs ({', '.join(teacher.input_names)})"
    elif len(shapes[0]) != 4:
        problem = f"the model's input {tuple(shapes[0])} is no image"
    elif None in shapes[0][1:]:
        problem = f"the model takes images of any size, {tuple(shapes[0])}"
    elif not teacher.inputs[0].dtype.is_floating:
        problem = f"the model's images are {teacher.inputs[0].dtype.name}, not float32"
    elif len(teacher.outputs) > 1 or len(teacher.outputs[0].shape) != 2:
        problem = "the model does not give one score per class"
    if problem:
        raise PipelineError(
            f"a MobileNet cannot stand in for this model: {problem}",
            where="distill",
            todo="distill a classifier of images of one size, or leave distill out",
        )


def start_from(teacher: Any, student: Any) -> list[str]:
    """Give a student the weights of its teacher's layers of the same names, where these fit;
    those of models within the teacher too, such as a backbone.

    Of wider layers it takes the channels that give most. What the teacher lacks keeps its random
    start.

    Returns:
        The names of the layers that were given weights.
    """
    from pipeline.graphs.keras.layers import layers

    teaching = layers(teacher)
    sources = {layer.name: layer for layer in teaching} | _head(teaching, student)
    channels = np.arange(student.inputs[0].shape[-1])  # the teacher's channels that the student has
    taken = []
    for layer in student.layers:
        source = sources.get(layer.name)
        norm = sources.get(f"{layer.name}_bn")
        strongest = (
            _strongest(source, norm, layer) if type(layer).__name__ == "Conv2D" else channels
        )
        weights = _cut_weights(source, layer, channels, strongest)
        if weights:
            layer.set_weights(weights)
            taken.append(layer.name)
        channels = strongest
    return taken


def _head(teaching: list[Any], student: Any) -> dict[str, Any]:
    """Of a teacher's layers that which gives its scores, where both read the same features."""
    kernels = [layer for layer in teaching if hasattr(layer, "kernel")]
    *_, features, scores = [layer.name for layer in student.layers if hasattr(layer, "kernel")]
    named = [layer.name for layer in kernels]
    return {scores: kernels[-1]} if named[-2:-1] == [features] else {}


def _strongest(source: Any, norm: Any, layer: Any) -> Array:
    """As many of a teacher's channels as a student's convolution has, in the teacher's order."""
    from pipeline.optimize.training.importance import folded_norms

    if type(source) is not type(layer) or source.filters <= layer.filters:
        return np.arange(layer.filters)
    return np.sort(np.argsort(folded_norms(source, norm))[-layer.filters :])


def _cut_weights(source: Any, layer: Any, inputs: Array, outputs: Array) -> list[Array] | None:
    """A student layer's weights out of a teacher's; ``None`` where it does not fit."""
    kind = type(layer).__name__
    same = type(source) is type(layer) or (kind == "Dense" and source is not None)
    if kind not in _CUTS or not same:
        return None
    try:
        weights = _CUTS[kind](source.get_weights(), inputs, outputs)
    except IndexError:  # the teacher is the narrower one
        return None
    fits = [w.shape for w in weights] == [w.shape for w in layer.get_weights()]
    return weights if fits else None


#: Kind of layer -> its weights of some input and output channels; kernels are [h, w, in, out].
_CUTS: dict[str, Callable[[list[Array], Array, Array], list[Array]]] = {
    "Conv2D": lambda values, kept, outputs: [values[0][:, :, kept][..., outputs]],
    "DepthwiseConv2D": lambda values, kept, outputs: [values[0][:, :, kept]],
    "BatchNormalization": lambda values, kept, outputs: [value[kept] for value in values],
    # The teacher's may be a convolution of 1x1.
    "Dense": lambda values, kept, outputs: [_flat(values[0])[kept], *values[1:]],
}


def _flat(kernel: Array) -> Array:
    """[…, in, out] -> [in, out], where the kernel looks at one place only."""
    return kernel.reshape(-1, kernel.shape[-1])
