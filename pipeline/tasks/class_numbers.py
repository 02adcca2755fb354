"""Truth that is a class by its number, for whichever task has such samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tensors.arrays import Int64s, np
from pipeline.tensors.per_sample import PerSample

NAME = "label"


def labels_of(facts_of: Sequence[Mapping[str, Any]], about: About[Any]) -> PerSample | None:
    """``label`` of each sample, int64 [n]; ``None`` where no sample has one.

    Raises:
        ConfigError: some have one, or it is no number of a class.
    """
    labels = [facts.get(NAME) for facts in facts_of]
    if all(label is None for label in labels):
        return None
    wrong = next((n for n, label in enumerate(labels) if not _is_class(label)), None)
    if wrong is not None:
        raise ConfigError(
            f"sample {wrong} has no class: its label is {labels[wrong]!r}",
            where="samples",
            todo="give every sample the number of its class, from 0, or none of them",
        )
    return PerSample({NAME: np.array(labels, np.int64)})


def _is_class(label: Any) -> bool:
    """Of Python's or NumPy's integers."""
    is_integer = hasattr(label, "__index__") and not isinstance(label, bool)
    return is_integer and getattr(label, "ndim", 0) == 0 and int(label) >= 0


def classes(truth: PerSample) -> Int64s:
    """The class of each sample, [n]."""
    labels: Int64s = truth.arrays[NAME]
    return labels
