"""Knowledge distillation: a smaller MobileNet learns to answer as the source model does.

Hinton et al. 2015 (arXiv:1503.02531). The student has fewer filters (``alpha``), fewer blocks
(``depth``) or looks at smaller images (``resolution``), which it makes itself: inputs and outputs
are those of the source, which may be a graph of any kind. Where the source is a MobileNet of Keras,
it starts from weights of it, so that few epochs are enough.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.engine.step import step
from pipeline.optimize.contract import ModelInputs, Technique
from pipeline.optimize.training.teaching import Share, Training

NAME = "distill"


class Options(Training):
    """Let a smaller MobileNet learn what the source model answers, whatever that is made of."""

    alpha: Annotated[float, Field(gt=0, le=2)] = 0.25
    """Width of the student: filters as a share of MobileNet's."""

    depth: Annotated[int, Field(ge=1, le=13)] = 13
    """How many of MobileNet's 13 blocks the student has."""

    resolution: Annotated[int, Field(ge=1)] | None = None
    """Height in pixels of the images that the student looks at, which it makes by averaging; those
    it is given, where none is named."""

    augment: Share = 0.0
    """How much images are turned (up to 10 degrees at 1), zoomed (10 %) and shifted (6 %) while it
    learns; the source is asked about them as they are then."""

    from_source: bool = True
    """Start from the source's weights, where it has layers of the student's names."""

    finetune_epochs: Annotated[int, Field(ge=1, le=1000)] = 30
    """How often every calibration sample is seen."""

    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    """Adam's at the start; it falls to 0 along half a cosine."""

    batch_size: Annotated[int, Field(ge=1)] = 64
    """Samples per step."""

    label_share: Share = 0.1
    """What labels count, where the samples have them; the source model's answers count the rest.
    Without labels these count alone."""

    temperature: Annotated[float, Field(ge=1, le=100)] = 4.0
    """Softens the source model's answers, so that they tell more of what it finds alike."""


@step(version=4, lane="tensorflow", tools=("tensorflow", "tf-keras", "numpy"))
def apply(inputs: ModelInputs, options: Options, work: Path) -> None:
    """Distill a model with the calibration samples.

    Writes a SOURCE folder with
    ``model.h5`` and ``distill.json``: parameters before and after, the layers that started from
    the source, and the kept epoch's numbers.
    """
    from pipeline.optimize.training import finetune, teaching

    lesson = teaching.read_lesson(inputs, options, NAME, by_graphs=True)
    with finetune.reproducible(options.seed):
        student, taken = build(lesson.teacher, options)
        numbers = teaching.learn(student, lesson, options, augment=options.augment)
    described = {
        "parameters": [lesson.teacher.count_params(), student.count_params()],
        "from_source": taken,
        "kept_epoch": numbers,
    }
    teaching.write_result(student, described, work, NAME)


def build(teacher: Any, options: Options) -> tuple[Any, list[str]]:
    """An untrained student, and the names of its layers that have weights of the teacher's."""
    from pipeline.optimize.training import student

    shape = student.Shape(options.alpha, options.depth, options.resolution)
    built = student.build(teacher, shape)
    return built, student.start_from(teacher, built) if options.from_source else []


TECHNIQUE = Technique(
    name=NAME,
    key="distill",
    stage="model",
    options=Options,
    step=apply,
    order=10,
    search={
        "depth": (6, 4, 9),
        "alpha": (0.25, 0.125),
        "augment": (1.0,),
        "finetune_epochs": (10, 30),
    },
    faster=True,
)
