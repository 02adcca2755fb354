"""One label per image: the output holds one score per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigError
from pipeline.measures.proportion import share
from pipeline.tasks.image_classification.task import TASK as TASK
from pipeline.tensors.arrays import Float32s, Int64s, NDArray, np

if TYPE_CHECKING:
    from collections.abc import Mapping

    Outputs = Mapping[str, Float32s]

NAME = "image-classification"


def ranked(outputs: Outputs, count: int) -> Int64s:
    """The classes with the highest scores, the highest first; of equals, the first one.

    Args:
        outputs: exactly one array, [n, classes]; axes of size 1 besides are ignored.

    Returns:
        int64 [n, count], or [n, classes] where there are fewer.

    Raises:
        ConfigError: the model has several outputs, or one that is not scores per class.
    """
    order: Int64s = np.argsort(-scores(outputs), axis=1, kind="stable")
    return order[:, :count]


def accuracy(outputs: Outputs, labels: Int64s) -> dict[str, Any]:
    """The share of samples whose highest score is at their label, as ``top1_accuracy``.

    Args:
        outputs: as in ``ranked``.
        labels: int64 [n].
    """
    return share("top1_accuracy", right(outputs, labels))


def right(outputs: Outputs, labels: Int64s) -> NDArray[np.bool_]:
    """Which samples' highest score is at their label, bool [n]; arguments as in ``accuracy``."""
    found: NDArray[np.bool_] = ranked(outputs, 1)[:, 0] == labels
    return found


def chance(outputs: Outputs, labels: Int64s) -> float:
    """The share of samples that whoever does not look at them gets right at most.

    That of the commonest label; of one that all samples have, what a class chosen blindly gets.
    """
    counts = np.unique(labels, return_counts=True)[1]
    return float(counts.max() / counts.sum()) if len(counts) > 1 else 1 / scores(outputs).shape[1]


def scores(outputs: Outputs) -> Float32s:
    """One score per class, [n, classes], of outputs as in ``ranked``."""
    shapes = {name: tuple(values.shape) for name, values in outputs.items()}
    if len(outputs) == 1:
        (values,) = outputs.values()
        sizes = [size for size in values.shape[1:] if size != 1]
        if len(sizes) == 1:
            return values.reshape(len(values), sizes[0])
    raise ConfigError(
        f"task {NAME} needs one output of class scores, this model gives {shapes}",
        todo='set "task: tensors", which compares outputs without giving them a meaning',
    )
