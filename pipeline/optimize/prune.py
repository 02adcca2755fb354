"""Magnitude pruning: the smallest weights become zero while the model learns to do without.

Zhu and Gupta 2017, "To prune, or not to prune" (arXiv:1710.01878): sparsity rises from 0 along
a cubic while the model is fine-tuned, and the first convolution and all depthwise ones, which
hold very few weights, stay dense. The schedule and masks are TensorFlow Model Optimization's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from pipeline.errors import ConfigError, PipelineError
from pipeline.options import Options as Strict
from pipeline.step import Inputs, progress, step

KEY = "prune"
NAME = "prune"
STAGE = "model"

#: Layers whose ``kernel`` is pruned. Depthwise convolutions are other classes.
PRUNABLE = ("Conv1D", "Conv2D", "Conv3D", "Dense")

Share = Annotated[float, Field(ge=0, le=1)]


class Options(Strict):
    """Zero out the smallest weights, fine-tuning meanwhile so that accuracy is kept."""

    shorthand: ClassVar[str | None] = "sparsity"

    sparsity: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of zeros in the kernel of each pruned layer."""

    finetune_epochs: Annotated[int, Field(ge=1, le=1000)] = 4
    """How often every calibration sample is seen while pruning and after."""

    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Adam's at the start; it falls to 0 along half a cosine."""

    batch_size: Annotated[int, Field(ge=1)] = 32
    """Samples per step."""

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

    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the calibration samples that progress is measured on instead of learnt from."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Decides the order of samples and all else that is left to chance."""


@step(
    version=1,
    lane="tensorflow",
    tools=("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy"),
)
def apply(inputs: Inputs, options: Options, work: Path) -> None:
    """Prune a Keras model with the calibration samples (labels, or itself as the teacher).

    Reads the folders ``source`` and ``samples``; writes a SOURCE folder with ``model.h5`` and
    ``prune.json``: the share of zeros by layer, and the last epoch's numbers.
    """
    from pipeline.optimize import finetune

    with finetune.reproducible(options.seed):
        model, names = _keras_model(inputs["source"])
        examples = finetune.read_examples(inputs["samples"], model, names)
        train, watch = finetune.held_in(examples, options.validation_share, options.seed)
        numbers = prune(model, train, watch, options)
    finetune.save(model, work / "model.h5")
    described = {"layers": zeros(model, options), "last_epoch": numbers}
    (work / "prune.json").write_text(json.dumps(described, indent=1, sort_keys=True))
    source = {"load": "keras_file", "path": "model.h5"}
    (work / "source.json").write_text(json.dumps(source, sort_keys=True))


def prune(model: Any, train: Any, watch: Any, options: Options) -> dict[str, float]:
    """Prune a ``tf_keras.Model`` in place; within ``finetune.reproducible``.

    Args:
        model: built, functional or sequential.
        train: ``finetune.Examples`` to learn from.
        watch: ``finetune.Examples`` to measure on.
        options: how.

    Returns:
        The last epoch's loss and accuracy.
    """
    import tensorflow_model_optimization as tfmot

    from pipeline.optimize import finetune

    recipe = finetune.Recipe(
        options.finetune_epochs, options.batch_size, options.learning_rate, options.seed
    )
    wrapped = _wrapped(model, _schedule(options, recipe.steps(len(train))), options)
    return finetune.fit(
        wrapped,
        train,
        watch,
        recipe,
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
        report=progress,
    )


def zeros(model: Any, options: Options) -> dict[str, float]:
    """The share of zeros in the kernel of each layer that these options prune."""
    from pipeline.optimize.finetune import layers

    return {
        layer.name: round(float((layer.kernel.numpy() == 0).mean()), 6)
        for layer in layers(model)
        if _prunable(layer, options)
    }


def _keras_model(source: Path) -> tuple[Any, list[str]]:
    """A fresh ``tf_keras.Model`` and the public names of its inputs, in its order."""
    from pipeline import model

    loaded = model.load(source)
    if loaded.keras is None:
        raise PipelineError(
            "only a Keras model can be pruned, because pruning trains it further",
            where="prune",
            todo="use a Keras source (.keras, .h5, a Keras application), or leave prune out",
        )
    return loaded.keras(), [spec.name for spec in loaded.signature.inputs]


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


def _prunable(layer: Any, options: Options) -> bool:
    return (
        type(layer).__name__ in PRUNABLE
        and layer.name not in options.skip
        and layer.kernel.shape.num_elements() >= options.smallest_kernel
    )


def _wrapped(model: Any, schedule: Any, options: Options) -> Any:
    """The same layers, sharing their weights, with masks around those to prune."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    def wrap(layer: Any) -> Any:
        if isinstance(layer, tf_keras.Model):
            return tf_keras.models.clone_model(layer, clone_function=wrap)
        if _prunable(layer, options):
            return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)
        return layer

    _check_names(model, options)
    return wrap(model)


def _check_names(model: Any, options: Options) -> None:
    from pipeline.optimize.finetune import layers

    names = [layer.name for layer in layers(model)]
    unknown = sorted(set(options.skip) - set(names))
    if unknown:
        raise ConfigError(f"the model has no layer {', '.join(unknown)}", where="prune.skip")
    if not any(_prunable(layer, options) for layer in layers(model)):
        raise PipelineError(
            f"the model has no convolution or dense layer of {options.smallest_kernel} weights "
            "or more to prune",
            where="prune",
            todo="lower prune.smallest_kernel, or leave prune out",
        )
