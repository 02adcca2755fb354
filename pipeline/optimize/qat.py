"""Quantization-aware training: weights on a grid while the model learns to do with it.

The gradient passes through the rounding (see ``straight``), and batch norms are folded afterwards
(see ``settle``), so that the weights that are published are those that were trained.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.engine.step import step
from pipeline.optimize.contract import ModelInputs, Technique
from pipeline.optimize.training.teaching import Share, Training
from pipeline.tensors.arrays import Float32s, np
from pipeline.weights import pairs

if TYPE_CHECKING:
    from pipeline.graphs.keras.fold import Scaled
    from pipeline.optimize.training.fake_quant import Ranges
    from pipeline.optimize.training.teaching import Lesson


NAME = "qat"


Levels = Annotated[int, Field(ge=3, le=256)]

#: Steps tried for the least squared error, as shares of the one that reaches the largest weight.
SHARES = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0)

#: The standard deviation of weights in front of a batch norm, which usual learning rates are for.
USUAL_SPREAD = 0.13


class Options(Training):
    """Train weights on a coarse grid, with a step for each output channel."""

    shorthand: ClassVar[str | None] = "levels"

    levels: Levels = 255
    """How many values a weight may have: 255 for eight bits, 15 for four. With `activations: int8`
    129 at most, and so many before `quantize: int8`: products of more are cut off by some
    processors, and weights would be rounded anew."""

    step: Annotated[float, Field(gt=0)] | None = None
    """The distance of two levels, in standard deviations of a channel's weights: with 1.5 most
    weights have one of three values, which compress well, and few go far. Without it, the distance
    with the least squared error for as many levels. Weights that go far keep their values, so give
    it many levels."""

    granularity: Literal["per-channel", "per-tensor"] = "per-channel"
    """Whether each output channel has a step of its own, or all of a kernel have one. The latter
    trains without batch norms, which would scale channels apart, and so needs more epochs."""

    activations: Literal["float32", "int8"] = "float32"
    """With int8 the model also learns to keep what its layers give in eight bits, and `quantize:
    int8` takes over the ranges that were found; formats without such operators do without."""

    small_levels: Levels = 63
    """Levels of depthwise convolutions and of kernels under ``smallest_kernel``, which hold few
    bytes and suffer most."""

    smallest_kernel: Annotated[int, Field(ge=1)] = 1024
    """Kernels with fewer weights have ``small_levels``."""

    scale_bits: Annotated[int, Field(ge=1, le=24)] = 5
    """Significant bits of a channel's step: few of them compress better."""

    bias_levels: Annotated[int, Field(ge=3, le=65536)] = 255
    """How many values the biases of a layer may have."""

    augment: Share = 0.0
    """How much images are turned (up to 10 degrees at 1), zoomed (10 %) and shifted (6 %) while it
    learns; the source model is asked about them as they are then."""

    skip: list[str] = Field(default=[])
    """Names of layers whose weights stay as they are."""


def levels_given(options: Options) -> int:
    """How many values a weight may have afterwards."""
    return _bound_by_int8(options.levels, options)


def _bound_by_int8(levels: int, options: Options) -> int:
    """No more than int8 keeps, where that is what it trains for."""
    return min(levels, pairs.LEVELS) if options.activations == "int8" else levels


@dataclass(frozen=True)
class KernelGrid:
    """The values ``q * step`` that a kernel may have, for integers q from ``low`` to ``high``."""

    step: Float32s
    """Broadcast to the kernel's shape: one step for each output channel."""
    low: int
    high: int
    free: Float32s
    """1.0 where a weight may change, and 0.0 where it is zero for good."""
    pace: Float32s
    """What an optimizer's steps are multiplied by, broadcast to the kernel's shape."""

    def integers(self, values: Any) -> Any:
        """The nearest q of float32 values, as a float32 tensor."""
        import tensorflow as tf

        return tf.clip_by_value(tf.round(values / self.step), self.low, self.high) * self.free

    def nearest(self, values: Any) -> Any:
        """The nearest values on the grid."""
        return self.integers(values) * self.step

    def limit(self, values: Any) -> Any:
        """Values no further than half a step outside of the grid."""
        import tensorflow as tf

        low, high = (self.low - 0.5) * self.step, (self.high + 0.5) * self.step
        return tf.clip_by_value(values, low, high)


@step(version=4, lane="tensorflow", tools=("tensorflow", "tf-keras", "numpy"))
def apply(inputs: ModelInputs, options: Options, work: Path) -> None:
    """Quantize a Keras model with the calibration samples (labels, a teacher, or both).

    Writes a SOURCE folder with
    ``model.h5``, without the batch norms that could be folded, and ``qat.json``: bits
    that a weight of each layer needs, by the entropy of its integers, and the kept epoch's numbers.
    """
    from pipeline.graphs import activations
    from pipeline.optimize.cluster import list_clustered
    from pipeline.optimize.training import finetune, teaching

    with finetune.reproducible(options.seed):
        model, _ = teaching.keras_model(inputs.source, NAME)
        lesson = teaching.read_lesson(inputs, options, NAME)
        clustered = list_clustered(inputs.source)
        quantized, described, ranges = quantize(model, lesson, options, clustered)
    teaching.write_result(quantized, described, work, NAME)
    activations.write(work, ranges)


def quantize(
    model: Any, lesson: Lesson, options: Options, kept: Collection[str] = ()
) -> tuple[Any, dict[str, Any], Ranges]:
    """Train a ``tf_keras.Model`` in place, and fold it; within ``finetune.reproducible``.

    Args:
        model: built, functional or sequential.
        lesson: what to learn, and from whom.
        options: how.
        kept: names of layers whose kernels stay as they are, such as clustered ones.

    Returns:
        The folded model with all kernels on their grids, what ``qat.json`` says, and the ranges
        of activations, by layer, that it was trained for.
    """
    from pipeline.graphs.keras.fold import fold, kernel_of
    from pipeline.optimize.training import fake_quant, straight, teaching

    if options.granularity == "per-tensor":
        model, _ = fold(model)
    layers = _choose_layers(model, options)
    grids = {layer: _grid(layer, options) for layer in layers if layer.name not in kept}
    weights = [
        straight.Rounded(kernel_of(layer), grid.nearest, grid.limit, grid.pace)
        for layer, grid in grids.items()
    ]
    weights += [straight.fixed_weight(kernel_of(layer)) for layer in layers if layer not in grids]
    whole = options.activations == "int8"
    learner, wrappers = fake_quant.wrap_in_fake_quant(model) if whole else (model, {})
    numbers = teaching.learn(
        learner,
        lesson,
        options,
        augment=options.augment,
        callbacks=[straight.callback(weights)],
    )
    folded, scaled = fold(model)
    bits = {
        layer.after.name: _settle(layer, grids[layer.before], options)
        for layer in scaled
        if layer.before in grids
    }
    described = {"layers": bits, "kept_epoch": numbers}
    return folded, described, fake_quant.ranges(wrappers, scaled)


def _choose_layers(model: Any, options: Options) -> list[Any]:
    """The layers to quantize."""
    from pipeline.graphs.keras.fold import linear_layers

    layers = list(linear_layers(model))
    unknown = sorted(set(options.skip) - {layer.name for layer in layers})
    if unknown:
        raise ConfigError(f"the model has no such layer: {', '.join(unknown)}", where="qat.skip")
    quantized = [layer for layer in layers if layer.name not in options.skip]
    if not quantized:
        raise PipelineError(
            "the model has no convolution or dense layer to quantize",
            where=NAME,
            todo="leave qat out, or skip fewer layers",
        )
    return quantized


def _grid(layer: Any, options: Options) -> KernelGrid:
    """The grid of a layer's kernel. Zeros, such as those of pruning, are to stay."""
    from pipeline.graphs.keras.fold import kernel_of, output_axes

    kernel = kernel_of(layer).numpy()
    axes = output_axes(layer)
    whole = options.granularity == "per-tensor"
    within = tuple(i for i in range(kernel.ndim) if whole or i not in axes)
    small = kernel.size < options.smallest_kernel or "Depthwise" in type(layer).__name__
    levels = _bound_by_int8(options.small_levels if small else options.levels, options)
    low, high = -(levels // 2), (levels - 1) // 2
    free = (kernel != 0).astype(np.float32)
    count = np.maximum(1, free.sum(axis=within, keepdims=True))
    spread = np.sqrt((kernel**2).sum(axis=within, keepdims=True) / count)
    is_set = options.step is not None and not small
    width = options.step * spread if is_set else _least_error(kernel, within, high)
    pace = spread / (USUAL_SPREAD if whole else max(spread.mean(), 1e-12))
    return KernelGrid(np.where(width > 0, width, 1).astype(np.float32), low, high, free, pace)


def _least_error(kernel: Float32s, within: tuple[int, ...], high: int) -> Float32s:
    """The steps with the least squared error, of a few that are tried for each channel."""
    widest = np.abs(kernel).max(axis=within, keepdims=True) / high
    steps = np.stack([np.where(widest > 0, widest, 1) * share for share in SHARES])
    rounded = np.clip(np.rint(kernel / steps), -high, high) * steps
    errors = ((rounded - kernel) ** 2).sum(axis=tuple(i + 1 for i in within), keepdims=True)
    best = errors.argmin(axis=0)[np.newaxis]
    best_steps: Float32s = np.take_along_axis(steps, best, axis=0)[0]
    return best_steps


def _settle(layer: Scaled, grid: KernelGrid, options: Options) -> float:
    """Put a layer's folded weights on their grids, and say how many bits one needs."""
    from pipeline.graphs.keras.fold import kernel_of
    from pipeline.optimize.training.settle import settle, settle_bias

    q = grid.integers(kernel_of(layer.before)).numpy()
    settle_bias(layer.after, options.bias_levels)
    return settle(layer, q, grid.step, options.scale_bits)


TECHNIQUE = Technique(
    name=NAME,
    key="qat",
    stage="model",
    options=Options,
    step=apply,
    order=50,
    search={"step": (1.5, 1.0, 2.0, None), "finetune_epochs": (8, 24)},
    levels_given=levels_given,
)
