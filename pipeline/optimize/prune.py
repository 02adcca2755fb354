"""Magnitude pruning: the smallest weights become zero while the model learns to do without.

Zhu and Gupta 2017, "To prune, or not to prune" (arXiv:1710.01878): sparsity rises from 0 along
a cubic while the model is fine-tuned, and the first convolution and all depthwise ones, which
hold very few weights, stay dense. With a pattern of 2:4 the two smallest of every four weights
along the input channels are zero from the start, as hardware that skips zeros wants them (Mishra
et al. 2021, arXiv:2104.08378). Schedule and masks are TensorFlow Model Optimization's.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipeline.base.errors import ConfigError
from pipeline.engine.step import progress, step
from pipeline.optimize.contract import ModelInputs, Technique
from pipeline.optimize.training.teaching import Share, Training

NAME = "prune"


#: Layers for which TensorFlow Model Optimization knows where input channels are.
PATTERNED = ("Conv2D", "Dense")

#: What YAML 1.1 makes of 2:4 without quotes: minutes and seconds.
_UNQUOTED = {124: "2:4"}


class Options(Training):
    """Zero out the smallest weights, fine-tuning meanwhile so that accuracy is kept."""

    shorthand: ClassVar[str | None] = "sparsity"

    sparsity: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of zeros in the kernel of each pruned layer."""

    pattern: Annotated[
        Literal["2:4"] | None, BeforeValidator(lambda value: _UNQUOTED.get(value, value))
    ] = None
    """2:4 makes two of every four weights along the input channels zero, from the first step on,
    in place of the share and the schedule."""

    begin: Share = 0.0
    """When pruning begins, as a share of all steps."""

    end: Share = 0.6
    """When the final sparsity is reached; the steps after it only fine-tune."""

    frequency: Annotated[int, Field(ge=1)] = 5
    """Steps from one choice of the weights to prune to the next."""

    smallest_kernel: Annotated[int, Field(ge=1)] = 1024
    """Layers with fewer weights stay dense: they save few bytes and cost much accuracy, as a
    network's first convolution."""

    skip: list[str] = Field(default=[])
    """Names of further layers to leave dense."""

    @model_validator(mode="after")
    def _a_pattern_has_its_share(self) -> Options:
        if self.pattern and not math.isclose(self.sparsity, 0.5):
            raise ValueError(f"pattern 2:4 is a sparsity of 0.5, not {self.sparsity}")
        return self

    @property
    def kinds(self) -> Collection[str]:
        """Classes of the layers to prune."""
        from pipeline.graphs.keras.kernels import KINDS

        return PATTERNED if self.pattern else KINDS


@step(
    version=4,
    lane="tensorflow",
    tools=("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy"),
)
def apply(inputs: ModelInputs, options: Options, work: Path) -> None:
    """Prune a Keras model with the calibration samples (labels, a teacher, or both).

    Writes a SOURCE folder with
    ``model.h5`` and ``prune.json``: the share of zeros by layer, and the kept epoch's numbers.
    """
    from pipeline.optimize.training import finetune, teaching

    lesson = teaching.read_lesson(inputs, options, NAME)
    model, _ = teaching.keras_model(inputs.source, NAME)
    with finetune.reproducible(options.seed):
        numbers = prune(model, lesson.train, lesson.watch, options)
    described = {"layers": zeros(model, options), "kept_epoch": numbers}
    teaching.write_result(model, described, work, NAME)


def prune(model: Any, train: Any, watch: Any, options: Options) -> dict[str, float]:
    """Prune a ``tf_keras.Model`` in place; within ``finetune.reproducible``.

    Args:
        model: built, functional or sequential.
        train: ``Examples`` to learn from.
        watch: ``Examples`` to measure on.
        options: how.

    Returns:
        The kept epoch's loss and accuracy.
    """
    import tensorflow_model_optimization as tfmot

    from pipeline.graphs.keras import kernels
    from pipeline.optimize.training import finetune

    recipe = options.recipe()
    masks = _masks(options, recipe.steps(len(train)))

    def wrap(layer: Any) -> Any:
        return tfmot.sparsity.keras.prune_low_magnitude(layer, **masks)

    layers = kernels.require(model, options, NAME, options.kinds)
    wrapped = kernels.wrap_layers(model, layers, wrap)
    return finetune.fit(
        wrapped,
        train,
        watch,
        recipe,
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
        settled=masks["pruning_schedule"].end_step,
        report=progress,
    )


def zeros(model: Any, options: Options) -> dict[str, float]:
    """The share of zeros in the kernel of each layer that these options prune."""
    from pipeline.graphs.keras import kernels

    return {
        layer.name: round(float((layer.kernel.numpy() == 0).mean()), 6)
        for layer in kernels.choose(model, options, options.kinds)
    }


def _masks(options: Options, steps: int) -> dict[str, Any]:
    """How TensorFlow Model Optimization chooses what is zero."""
    import tensorflow_model_optimization as tfmot

    if options.pattern:
        at_once = tfmot.sparsity.keras.ConstantSparsity(0.5, begin_step=0)
        return {"pruning_schedule": at_once, "sparsity_m_by_n": (2, 4)}
    return {"pruning_schedule": _schedule(options, steps)}


def _schedule(options: Options, steps: int) -> Any:
    """A cubic from 0 to the wanted sparsity, which it reaches at a step that prunes."""
    import tensorflow_model_optimization as tfmot

    if options.begin >= options.end:
        raise ConfigError(
            f"prune.begin ({options.begin}) is not before prune.end ({options.end})",
            todo="let pruning begin earlier or end later",
        )
    # Masks are first chosen at step 1 and then every few steps: only a last step that is a
    # whole number of them away gives the full sparsity.
    frequency = max(1, min(options.frequency, steps // 4))
    begin = min(round(options.begin * steps), steps - 1)
    times = max(1, (round(options.end * steps) - begin) // frequency)
    return tfmot.sparsity.keras.PolynomialDecay(
        0.0, options.sparsity, begin, begin + times * frequency, power=3, frequency=frequency
    )


TECHNIQUE = Technique(
    name=NAME,
    key="prune",
    stage="model",
    options=Options,
    step=apply,
    order=30,
    search={"sparsity": (0.6, 0.75, 0.85), "finetune_epochs": (4, 12)},
)
