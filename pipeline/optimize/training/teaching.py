"""What techniques that train share: their options, what they learn from, what they write.

Not a technique itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import progress

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.optimize.contract import ModelInputs
    from pipeline.optimize.training.examples import Examples
    from pipeline.optimize.training.finetune import Recipe

Share = Annotated[float, Field(ge=0, le=1)]


class Training(StrictOptions):
    """Options of every technique that trains."""

    finetune_epochs: Annotated[int, Field(ge=1, le=1000)] = 4
    """How often every calibration sample is seen."""

    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Adam's at the start; it falls to 0 along half a cosine."""

    batch_size: Annotated[int, Field(ge=1)] = 32
    """Samples per step."""

    label_share: Share = 1.0
    """What labels count, where the samples have them; the source model's answers count the rest.
    Without labels these count alone."""

    temperature: Annotated[float, Field(ge=1, le=100)] = 1.0
    """Softens the source model's answers where they are learnt from, so that they tell more of
    what it finds alike."""

    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the calibration samples that are held back: the epoch that does best on them is
    kept."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Decides the order of samples and all else that is left to chance."""

    def recipe(self) -> Recipe:
        from pipeline.optimize.training.finetune import Recipe

        return Recipe(self.finetune_epochs, self.batch_size, self.learning_rate, self.seed)


@dataclass(frozen=True)
class Lesson:
    """What a technique trains with."""

    teacher: Any
    """The source model as it was pulled, a ``tf_keras.Model``; a graph is one layer of it."""
    train: Examples
    watch: Examples
    """Held back, to measure on."""


def read_lesson(
    inputs: ModelInputs, options: Training, technique: str, *, by_graphs: bool = False
) -> Lesson:
    """Read the calibration samples, and the answers of ``teacher`` where the labels need them.

    Args:
        inputs: of the technique's step.
        options: what labels and teacher count, and how much is held back.
        technique: the name that errors begin with.
        by_graphs: whether a model without layers can teach it.
    """
    from pipeline.optimize.training.examples import Mix, held_in, read_examples
    from pipeline.optimize.training.finetune import reproducible

    # Of its own: whether a model is loaded or still in memory, what is trained next starts alike.
    with reproducible(options.seed):
        teacher, names = _teacher(inputs.teacher, technique, by_graphs)
        mix = Mix(options.label_share, options.temperature)
        examples = read_examples(inputs.samples, teacher, names, mix=mix)
    return Lesson(teacher, *held_in(examples, options.validation_share, options.seed))


def _teacher(source: SourceFolder, technique: str, by_graphs: bool) -> tuple[Any, list[str]]:
    from pipeline.optimize.training.graph_teacher import teacher_of
    from pipeline.sources.load import load

    loaded = load(source.folder)
    if by_graphs and loaded.keras is None:
        return teacher_of(loaded, technique), [spec.name for spec in loaded.signature.inputs]
    return keras_model(source, technique)


def keras_model(source: SourceFolder, technique: str) -> tuple[Any, list[str]]:
    """A fresh ``tf_keras.Model`` and the public names of its inputs, in its order.

    All of its layers learn, those too that were frozen when it was saved, as transfer learning
    freezes a backbone: what a technique takes from a layer only that layer can make good.
    """
    from pipeline.sources.load import load

    loaded = load(source.folder)
    if loaded.keras is None:
        raise PipelineError(
            "only a Keras model can be trained further",
            where=technique,
            todo=f"use a Keras source (.keras, .h5, a Keras application), or leave {technique} out",
        )
    model = loaded.keras()
    model.trainable = True
    return model, [spec.name for spec in loaded.signature.inputs]


def learn(
    model: Any,
    lesson: Lesson,
    options: Training,
    *,
    augment: float = 0.0,
    callbacks: Sequence[Any] = (),
) -> dict[str, float]:
    """Train a ``tf_keras.Model`` in place, and report it; within ``finetune.reproducible``.

    Args:
        model: what learns.
        lesson: what, and from whom.
        options: how.
        augment: how much images are moved, 0 to 1; the teacher is asked about them as they are.
        callbacks: Keras' own.

    Returns:
        The kept epoch's loss and accuracy.
    """
    from pipeline.optimize.training.augment import mover
    from pipeline.optimize.training.finetune import fit

    return fit(
        model,
        lesson.train,
        lesson.watch,
        options.recipe(),
        augment=mover(augment, lesson.train),
        teacher=lesson.teacher,
        callbacks=callbacks,
        report=progress,
    )


def write_result(model: Any, described: Mapping[str, Any], work: Path, technique: str) -> None:
    """Write a SOURCE folder, and beside it ``<technique>.json``: what became of the model."""
    write_source(model, work)
    text = json.dumps(described, indent=1, sort_keys=True)
    (work / f"{technique}.json").write_text(text)


def write_source(model: Any, work: Path) -> None:
    """Write a ``tf_keras.Model`` as a SOURCE folder."""
    from pipeline.optimize.training.finetune import save

    save(model, work / "model.h5")
    SourceFolder(work).describe("keras_file", path="model.h5")
