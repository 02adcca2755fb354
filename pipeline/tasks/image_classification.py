"""One label per image: the output holds one score per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Outputs = Mapping[str, NDArray[np.float32]]

NAME = "image-classification"


def classes(outputs: Outputs) -> NDArray[np.int64]:
    """The class of each sample: the index of its highest score; the first of equals.

    Args:
        outputs: exactly one array, [n, classes]; axes of size 1 besides are ignored.

    Returns:
        int64 [n].

    Raises:
        ConfigError: the model has several outputs, or one that is not scores per class.
    """
    import numpy as np

    scores = _scores(outputs)
    found: NDArray[np.int64] = np.argmax(scores, axis=1).astype(np.int64)
    return found


def accuracy(outputs: Outputs, labels: NDArray[np.int64]) -> dict[str, Any]:
    """The share of samples whose highest score is at their label.

    Args:
        outputs: as in ``classes``.
        labels: int64 [n].

    Returns:
        ``{"metric": "top1_accuracy", "value": 0 to 1, "samples": n}``.
    """
    right = classes(outputs) == labels
    return {"metric": "top1_accuracy", "value": float(right.mean()), "samples": len(right)}


def _scores(outputs: Outputs) -> NDArray[np.float32]:
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
