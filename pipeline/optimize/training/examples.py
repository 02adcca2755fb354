"""What fine-tuning learns from: labels, a teacher's answers, or both. Not a technique itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pathlib import Path


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
    """One per model output: int64 [n] class indices; or the teacher's float32 [n, …]; or, with
    ``both``, float32 [n, 1 + classes], the class index before the teacher's scores."""

    taught_by: Literal["labels", "teacher", "both"]

    mix: Mix = Mix()

    def __len__(self) -> int:
        return len(self.inputs[0])

    def rows(self, chosen: Array) -> Examples:
        """Only the rows of these indices, in this order."""
        return replace(
            self,
            inputs=tuple(values[chosen] for values in self.inputs),
            targets=tuple(values[chosen] for values in self.targets),
        )

    def changed(self, inputs: tuple[Array, ...], teacher: Any = None) -> Examples:
        """The same labels for other inputs, about which a teacher is asked anew.

        A student learns more from a teacher that sees what it sees (Beyer et al. 2022,
        arXiv:2106.05237).
        """
        if teacher is None or self.taught_by == "labels":
            return replace(self, inputs=inputs)
        # A batch: predict would start a loop of its own for each.
        answers = teacher.predict_on_batch(list(inputs))
        labels = self.targets[0][:, 0] if self.taught_by == "both" else None
        return replace(self, inputs=inputs, targets=_targets(labels, _listed(teacher, answers)))


def read_examples(
    samples: Path,
    teacher: Any,
    names: Sequence[str],
    split: str = "calibration",
    mix: Mix = Mix(),
) -> Examples:
    """The examples of a SAMPLES folder, with a teacher where they have no labels.

    Labels teach a model whose only output holds scores per class, [n, classes], of a softmax or
    before it, and more classes than the highest label; otherwise the teacher's outputs do.

    Args:
        samples: a SAMPLES folder.
        teacher: a ``tf_keras.Model`` with the inputs and outputs of the one that learns.
        names: public names of the model's inputs, in the model's order.
        split: which samples.
        mix: what labels and the teacher count.
    """
    from safetensors.numpy import load_file

    arrays = load_file(samples / split / "inputs.safetensors")
    inputs = tuple(arrays[name] for name in names)
    labels = _labels(samples / split / "labels.safetensors", teacher)
    if labels is None or mix.label_share == 0:
        return Examples(inputs, taught(teacher, inputs), "teacher", mix)
    if mix.label_share == 1:
        return Examples(inputs, (labels,), "labels", mix)
    return Examples(inputs, _targets(labels, taught(teacher, inputs)), "both", mix)


def _labels(path: Path, model: Any) -> Array | None:
    """int64 [n] class indices, where a model's only output has a score for each of them."""
    from safetensors.numpy import load_file

    from pipeline.optimize.training.outputs import TAUGHT_BY_LABELS, activation_of

    shape = model.outputs[0].shape
    if not path.exists() or len(model.outputs) != 1 or len(shape) != 2:
        return None
    if activation_of(model) not in TAUGHT_BY_LABELS:
        return None
    labels: Array = load_file(path)["labels"].astype(np.int64)
    return labels if (shape[1] or 0) > labels.max() else None


def _targets(labels: Array | None, answers: tuple[Array, ...]) -> tuple[Array, ...]:
    if labels is None:
        return answers
    return (np.concatenate([labels[:, None].astype(np.float32), answers[0]], axis=1),)


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
    kept = min(len(order) - 1, max(1, round(len(order) * share)))
    return examples.rows(order[kept:]), examples.rows(order[:kept] if kept else order)
