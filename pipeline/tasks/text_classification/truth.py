"""The labels of each text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.text_classification.answers import Told
from pipeline.tensors.arrays import Int64s, NDArray, np
from pipeline.tensors.per_sample import PerSample, ragged

NAME = "labels"
#: What one is called where a text has one.
ONE = "label"


def labels_of(facts_of: Sequence[Mapping[str, Any]], about: Told) -> PerSample | None:
    """``labels`` of each text, their numbers, int64, any number of them; ``None`` where no text has
    any said of it.

    Raises:
        ConfigError: some have labels said, or one is none of the config's.
    """
    said = [facts.get(NAME, facts.get(ONE)) for facts in facts_of]
    if all(labels is None for labels in said):
        return None
    return PerSample(
        ragged({NAME: [_numbers(labels, sample, about) for sample, labels in enumerate(said)]})
    )


def _numbers(labels: Any, sample: int, about: Told) -> Int64s:
    """Sorted, each once."""
    own = labels.tolist() if isinstance(labels, np.ndarray) else labels
    # Of NumPy's numbers too.
    listed = [own] if isinstance(own, str) or hasattr(own, "__index__") else own
    if listed is None or (about.options.labels == "one" and len(listed) != 1):
        raise ConfigError(
            f"sample {sample} has the labels {labels!r}",
            where="samples",
            todo="give every sample labels (its one, or with labels: many any number), or none",
        )
    return np.array(sorted({_number(label, sample, about) for label in listed}), np.int64)


def _number(label: Any, sample: int, about: Told) -> int:
    names = list(about.labels)
    if isinstance(label, str) and label in names:
        return names.index(label)
    is_number = hasattr(label, "__index__") and not isinstance(label, bool)
    if is_number and 0 <= label < (len(names) or 1 << 20):
        return int(label)
    raise ConfigError(
        f"the label {label!r} of sample {sample} is none of the config's labels",
        where="samples",
        todo="name labels as the config does, or by their numbers from 0",
    )


def matrix(truth: PerSample, labels: int) -> NDArray[np.bool_]:
    """Which labels each text has, bool [n, labels].

    Raises:
        ConfigError: a text has one that the model does not.
    """
    found = np.zeros((len(truth), labels), np.bool_)
    for sample in range(len(truth)):
        own = truth.of(NAME, sample)
        if own.size and own.max() >= labels:
            raise ConfigError(
                f"sample {sample} has the label {own.max()}, and the model has {labels} labels",
                where="samples",
            )
        found[sample, own] = True
    return found


def kinds(truth: PerSample) -> Int64s:
    """A number for each set of labels that texts have, [n]."""
    sets = [tuple(truth.of(NAME, sample).tolist()) for sample in range(len(truth))]
    numbers = {labels: number for number, labels in enumerate(sorted({*sets}))}
    return np.array([numbers[labels] for labels in sets], np.int64)
