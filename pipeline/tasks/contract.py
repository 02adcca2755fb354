"""What a task is: what a model is for, and what can be done with what it answers.

A task is a folder of ``pipeline/tasks/`` whose ``__init__.py`` has ``TASK``. What it cannot do
stays ``None``; whoever needs it asks ``need``. Numbers are compared without a task: parity is of
raw outputs, agreement of answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pipeline.base.options import StrictOptions
from pipeline.measures.metric import Metric
from pipeline.measures.score import Score
from pipeline.tensors.arrays import Array, Arrays, Float32s, Int64s, NDArray, np
from pipeline.tensors.per_sample import PerSample
from pipeline.tensors.signature import TensorSpec

O = TypeVar("O", bound=StrictOptions)  # noqa: E741


@dataclass(frozen=True)
class About(Generic[O]):
    """What a task is told beside outputs."""

    options: O
    """The task's, as the config has them."""
    softmax: Mapping[str, bool] = field(default_factory=dict)
    """By output, whether its values are a softmax over the last axis."""
    labels: Sequence[str] = ()
    """Names of the classes, in the order of the outputs; empty where the config has none."""
    origins: PerSample | None = None
    """Of each sample, how it lay in what it was made from (size, scale, padding), where its kind of
    input keeps that: answers are in pixels of the original."""


@dataclass(frozen=True)
class Sure:
    """How sure a model is of each sample's answer."""

    answers: NDArray[np.int32]
    """[n]; equal where answers are."""
    confidence: Float32s
    """[n], 0 to 1."""


@dataclass(frozen=True)
class Head:
    """An output of a network that is to be trained."""

    shape: tuple[int | None, ...]
    """``None`` where the size is free, as that of the first axis."""
    activation: str
    """``softmax``, …; ``linear`` for none."""


@dataclass(frozen=True)
class Teaching:
    """How truth teaches a network: for each of its outputs, in their order."""

    targets: tuple[Array, ...]
    """[n, …]: what the losses compare an output with."""
    losses: tuple[Callable[..., Any], ...]
    """Each makes a ``tf_keras.losses.Loss``, which takes targets and an output; its keywords are
    those of Keras."""
    right: Callable[[Any, Any], Any] | None = None
    """Of the targets and the values of a single output, whether each sample is right: [n]."""
    is_still: bool = False
    """Whether the targets hold for images that were turned, zoomed and shifted a little."""


@dataclass(frozen=True)
class Line:
    """A number of the source beside the artifact's, in a report."""

    name: str
    source: str
    artifact: str
    source_share: float | None = None
    """0 to 1, where the number is a probability: how long its bar is."""
    artifact_share: float | None = None
    right: bool = False
    """Whether this is what is true of the sample."""


#: x and y of each of its points, shares of the input: one alone is a dot.
Stroke = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Drawn:
    """What each model's answer is in a picture of the input."""

    source: Sequence[Stroke]
    artifact: Sequence[Stroke]


@dataclass(frozen=True)
class Shown:
    """A sample in a report."""

    lines: list[Line]
    truth: str = ""
    """What is true of it, as ``labelled cat``."""
    changed: bool = False
    """Whether the artifact answers otherwise than the source."""
    drawn: Drawn | None = None
    """Both answers over the sample, where that is an image; ``None`` where there is nothing to
    draw."""
    heading: str = ""
    """What ``lines`` are of, where they are no classes and no outputs."""


Truth = Callable[[Sequence[Mapping[str, Any]], About[O]], PerSample | None]
Answers = Callable[[Arrays, About[O]], Sequence[Any]]
Scored = Callable[[Arrays, PerSample, About[O]], Score]
Agree = Callable[[Arrays, Arrays, About[O]], Mapping[str, float | None]]
SureOf = Callable[[Arrays, About[O]], Sure | None]
Scores = Callable[[Arrays], Float32s]
Kinds = Callable[[PerSample], Int64s]
Teach = Callable[[PerSample, Sequence[Head]], Teaching | None]
Propose = Callable[[Sequence[TensorSpec]], Mapping[str, Any] | None]
Show = Callable[[Arrays, Arrays, Mapping[str, Array] | None, About[O]], Shown]


@dataclass(frozen=True)
class Task(Generic[O]):
    """What a model is for.

    Outputs are arrays by public name, float32 [n, …]. Each function raises ``ConfigError`` where
    a model's outputs are not those of the task.
    """

    name: str
    """What a config's ``task`` says, and a manifest."""
    options: type[O]
    """``task: {name: {…}}`` in a config."""
    is_default: bool = False
    """Whether a config that names no task has this one."""
    metrics: tuple[Metric, ...] = ()
    """What only this task measures: of ``agree``, and of ``score``."""
    input: str | None = None
    """The kind of input that pages give its models; ``None``: tensors."""
    example: str = ""
    """JavaScript that asks a loaded ``model`` of it, for those who copy it."""
    reads: tuple[str, ...] = ("label",)
    """What ``truth`` is made of, as samples kinds name it; ``label`` is the number of a class."""
    truth: Truth[O] | None = None
    """What a samples kind says of each sample -> what is right for it; ``None`` where it says
    nothing of that."""
    answers: Answers[O] | None = None
    """Outputs -> an answer a sample, as the methods of the page's twin have it (JSON)."""
    score: Scored[O] | None = None
    """Outputs and truth -> how right they are."""
    agree: Agree[O] | None = None
    """Outputs of an artifact and of the source -> value by metric; ``None``: it says nothing of
    these."""
    usual: Mapping[str, float] = field(default_factory=dict)
    """Metric of ``agree`` -> its bound where a config bounds no difference from the source."""
    sure: SureOf[O] | None = None
    """Outputs -> how sure each answer is; ``None`` where they do not tell."""
    scores: Scores | None = None
    """Outputs -> one score per class, [n, classes], where a sample has one class."""
    kinds: Kinds | None = None
    """Truth -> the kind of each sample, [n]: a part of the samples has its share of every kind."""
    teach: Teach | None = None
    """Truth and a network's outputs -> how the one teaches the other; ``None`` where it cannot."""
    propose: Propose | None = None
    """A model's outputs -> the options under which it is likely of this task; ``None`` where it is
    not."""
    show: Show[O] | None = None
    """A sample's outputs of the source and of the artifact, and its truth, each without the axis of
    samples -> how a report shows it; without this, by the numbers that differ most."""
