"""Structured pruning: whole channels are really removed, so that the model is faster as well.

Li et al. 2017, "Pruning Filters for Efficient ConvNets" (arXiv:1608.08710). The channels that
matter least go out of every layer that makes, carries or reads them, and what is left is
fine-tuned.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.engine.step import step
from pipeline.optimize.contract import ModelInputs, Technique
from pipeline.optimize.training.teaching import Training
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.keras.channel_groups import Groups
    from pipeline.optimize.training.examples import Examples

NAME = "channels"


class Options(Training):
    """Remove whole channels, fine-tuning afterwards so that accuracy is kept."""

    shorthand: ClassVar[str | None] = "share"

    share: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the channels to remove."""

    importance: Literal["taylor", "l1", "bn_scale"] = "taylor"
    """What a channel is judged by: how much the loss would change without it, its weights, or its
    batch norm's factor."""

    across: Literal["layer", "model"] = "layer"
    """Remove the share of every layer, or more of those layers that can spare more."""

    multiple: Annotated[int, Field(ge=1, le=64)] = 8
    """Each layer keeps a multiple of so many channels, which processors compute at once."""

    skip: list[str] = Field(default=[])
    """Names of layers that keep all of the channels they make."""

    finetune_epochs: Annotated[int, Field(ge=1, le=1000)] = 8
    """How often every calibration sample is seen after the channels are gone."""


@step(version=4, lane="tensorflow", tools=("tensorflow", "tf-keras", "numpy"))
def apply(inputs: ModelInputs, options: Options, work: Path) -> None:
    """Remove channels of a Keras model, and fine-tune it with the calibration samples.

    Writes a SOURCE folder with
    ``model.h5`` and ``channels.json``: channels before and after by layer, parameters, and the
    kept epoch's numbers.
    """
    from pipeline.optimize.training import finetune, teaching

    lesson = teaching.read_lesson(inputs, options, NAME)
    model, _ = teaching.keras_model(inputs.source, NAME)
    with finetune.reproducible(options.seed):
        slim, widths = remove(model, lesson.train, options)
        numbers = teaching.learn(slim, lesson, options)
    described = {
        "channels": widths,
        "parameters": [model.count_params(), slim.count_params()],
        "kept_epoch": numbers,
    }
    teaching.write_result(slim, described, work, NAME)


def remove(model: Any, examples: Examples, options: Options) -> tuple[Any, dict[str, list[int]]]:
    """Remove channels, without fine-tuning.

    Args:
        model: a functional or sequential ``tf_keras.Model``.
        examples: what the loss is taken on, where that decides.
        options: how many, and by what.

    Returns:
        The new model; and layer -> channels before and after.
    """
    from pipeline.graphs.keras.channel_groups import find_groups
    from pipeline.graphs.keras.channel_removal import remove_channels

    groups = find_groups(model)
    _skip(groups, options.skip)
    stay = choose(_importance(model, groups, examples, options), options)
    if all(mask.all() for mask in stay.values()):
        raise _nothing_to_remove(model, groups)
    widths = {
        name: [groups.sizes[space], int(stay[groups.root(space)].sum())]
        for name, space in groups.makers.items()
        if groups.root(space) in stay
    }
    return remove_channels(model, groups, stay), widths


def choose(importance: Mapping[int, Array], options: Options) -> dict[int, Array]:
    """Group -> which of its channels stay, bool [channels].

    Args:
        importance: group -> [channels].
        options: how many, and whether each group loses as many.
    """
    counts = {group: len(values) * (1 - options.share) for group, values in importance.items()}
    if options.across == "model" and importance:
        bound = np.quantile(np.concatenate(list(importance.values())), options.share)
        counts = {group: int((values > bound).sum()) for group, values in importance.items()}
    stay = {}
    for group, values in importance.items():
        whole = max(1, round(counts[group] / options.multiple)) * options.multiple
        stay[group] = np.zeros(len(values), bool)
        stay[group][np.argsort(-values, kind="stable")[:whole]] = True
    return stay


def _importance(
    model: Any, groups: Groups, examples: Examples, options: Options
) -> dict[int, Array]:
    from pipeline.optimize.training import importance

    if options.importance == "taylor":
        scores = importance.taylor(model, groups, examples)
    elif options.importance == "bn_scale":
        scores = importance.norm_scales(model, groups)
    else:
        scores = importance.magnitudes(model, groups)
    return importance.of_groups(groups, scores, alike=options.importance != "taylor")


def _skip(groups: Groups, names: list[str]) -> None:
    unknown = sorted(set(names) - set(groups.makers))
    if unknown:
        raise ConfigError(
            f"the model has no convolution or dense layer {', '.join(unknown)}",
            where="channels.skip",
        )
    for name in names:
        groups.keep((groups.makers[name],), "named in channels.skip")


def _nothing_to_remove(model: Any, groups: Groups) -> PipelineError:
    import tf_keras

    nested = [layer.name for layer in model.layers if isinstance(layer, tf_keras.Model)]
    if nested:
        return PipelineError(
            f"no channel can be removed: those of a model within the model ({', '.join(nested)}) "
            "are not looked at",
            where="channels",
            todo="build the model in one piece, such as with input_tensor= of Keras applications, "
            "or leave channels out",
        )
    reasons = sorted(set(groups.kept.values()))
    return PipelineError(
        "no channel can be removed: layers are too narrow, or their channels must stay "
        f"({'; '.join(reasons[:3])})",
        where="channels",
        todo="lower channels.multiple, raise channels.share, or leave channels out",
    )


TECHNIQUE = Technique(
    name=NAME,
    key="channels",
    stage="model",
    options=Options,
    step=apply,
    order=20,
    search={"share": (0.3, 0.5), "finetune_epochs": (8, 20)},
    faster=True,
)
