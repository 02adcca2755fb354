"""What fine-tuning learns from: the truth, a teacher's answers, or both. Not a technique itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.errors import ConfigError
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.tasks.contract import Teaching

#: Axes of outputs that the truth and a teacher can teach together.
MIXED_RANK = 2


@dataclass(frozen=True)
class Mix:
    """How labels and a teacher share a loss (Hinton et al. 2015, arXiv:1503.02531)."""

    label_share: float = 1.0
    """The labels' share, where there are labels; the rest is the teacher's."""
    temperature: float = 1.0
    """Logits are divided by it where a teacher's softmax is imitated: a higher one tells more of
    what the teacher finds alike."""


@dataclass(frozen=True)
class Examples:
    """Inputs and what the outputs should be; every array has n rows."""

    inputs: tuple[Array, ...]
    """One per model input, in the model's order."""

    targets: tuple[Array, ...]
    """One per model output: what the task makes of the truth, [n, …]; or the teacher's float32
    [n, …]; or, with ``both``, float32 [n, k + scores], the truth's before the teacher's."""

    taught_by: Literal["truth", "teacher", "both"]

    mix: Mix = Mix()

    teaching: Teaching | None = None
    """How the truth teaches, where it does."""

    def __len__(self) -> int:
        return len(self.inputs[0])

    def rows(self, indices: Array) -> Examples:
        """Only the rows of these indices, in this order."""
        return replace(
            self,
            inputs=tuple(values[indices] for values in self.inputs),
            targets=tuple(values[indices] for values in self.targets),
        )

    def changed(self, inputs: tuple[Array, ...], teacher: Any = None) -> Examples:
        """The same truth for other inputs, about which a teacher is asked anew.

        A student learns more from a teacher that sees what it sees (Beyer et al. 2022,
        arXiv:2106.05237).
        """
        if teacher is None or self.taught_by == "truth":
            return replace(self, inputs=inputs)
        # A batch: predict would start a loop of its own for each.
        answers = _listed(teacher, teacher.predict_on_batch(list(inputs)))
        if self.teaching is None:
            return replace(self, inputs=inputs, targets=answers)
        columns = zip(self.targets, self.widths, strict=True)
        truth = tuple(target[:, :width] for target, width in columns)
        return replace(self, inputs=inputs, targets=_both(truth, answers))

    @property
    def widths(self) -> tuple[int, ...]:
        """By output, how many columns of ``targets`` are the truth's."""
        return tuple(map(_width, self.teaching.targets if self.teaching else ()))


def read_examples(
    samples: SamplesFolder,
    teacher: Any,
    names: Sequence[str],
    split: str = "calibration",
    mix: Mix = Mix(),
) -> Examples:
    """The examples of a split, with a teacher where they have no truth.

    Their task says how the truth teaches a model with such outputs; where it cannot, the teacher's
    outputs do.

    Args:
        teacher: a ``tf_keras.Model`` with the inputs and outputs of the one that learns.
        names: public names of the model's inputs, in the model's order.
        split: which samples.
        mix: what the truth and the teacher count.

    Raises:
        ConfigError: both teach a model of which an output is not [n, scores].
    """
    arrays = samples.split(split).inputs()
    inputs = tuple(arrays[name] for name in names)
    teaching = _teaching(samples, split, teacher)
    if teaching is None or mix.label_share == 0:
        return Examples(inputs, taught(teacher, inputs), "teacher", mix)
    if mix.label_share == 1:
        return Examples(inputs, teaching.targets, "truth", mix, teaching)
    answers = taught(teacher, inputs)
    if any(values.ndim != MIXED_RANK for values in answers):
        shapes = ", ".join(str(list(values.shape[1:])) for values in answers)
        raise ConfigError(
            f"labels and the source can both teach outputs of one row of numbers, not {shapes}",
            where="label_share",
            todo="set label_share to 1 or 0",
        )
    return Examples(inputs, _both(teaching.targets, answers), "both", mix, teaching)


def _teaching(samples: SamplesFolder, split: str, model: Any) -> Teaching | None:
    """How the samples' truth teaches a model."""
    from pipeline.optimize.training.outputs import heads_of
    from pipeline.tasks.truth import read_truth

    truth = read_truth(samples, split)
    teach = truth[0].task.teach if truth else None
    return teach(truth[1], heads_of(model)) if truth and teach else None


def _both(truth: Sequence[Array], answers: Sequence[Array]) -> tuple[Array, ...]:
    """By output the truth's columns before the teacher's."""
    return tuple(
        np.concatenate([target.reshape(len(target), -1).astype(np.float32), values], axis=1)
        for target, values in zip(truth, answers, strict=True)
    )


def _width(target: Array) -> int:
    return int(np.prod(target.shape[1:]))


def taught(teacher: Any, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """What a teacher answers: one float32 array per output."""
    return _listed(teacher, teacher.predict(list(inputs), batch_size=128, verbose=0))


def _listed(teacher: Any, answers: Any) -> tuple[Array, ...]:
    if isinstance(answers, dict):
        answers = [answers[name] for name in teacher.output_names]
    return tuple(answers) if isinstance(answers, list) else (answers,)


def held_in(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """Examples to train on, at least one, and a seeded share kept back to watch progress by."""
    order = np.random.default_rng(seed).permutation(len(examples))
    held = min(len(order) - 1, max(1, round(len(order) * share)))
    return examples.rows(order[held:]), examples.rows(order[:held] if held else order)
