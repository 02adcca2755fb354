"""Whether labels are in another order than the model's classes: the confusion matrix shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.measures.proportion import paired_difference
from pipeline.tensors.arrays import Int64s, NDArray, np

Classes = Int64s

GIVEN = "as given"


def best(
    answers: Classes,
    labels: Classes,
    classes: int,
    names: Sequence[str],
    config_labels: Sequence[str],
) -> tuple[str, NDArray[np.bool_]]:
    """The order in which labels are right most often, and which samples are right in it.

    Another order than the one given is told only where it is better for sure.

    Args:
        answers: int64 [n], the classes that a model answers.
        labels: int64 [n].
        classes: how many the model has.
        names: of the labels, as the samples name them; empty where they do not.
        config_labels: the config's ``labels``; empty where there are none.
    """
    best_name, right = GIVEN, answers == labels
    for name, order in orders(answers, labels, classes, names, config_labels):
        other = answers == order[labels]
        gained, lost = int((other & ~right).sum()), int((right & ~other).sum())
        if paired_difference(gained, lost, len(labels))[0] > 0:
            best_name, right = name, other
    return best_name, right


def orders(
    answers: Classes,
    labels: Classes,
    classes: int,
    names: Sequence[str],
    config_labels: Sequence[str],
) -> Iterator[tuple[str, Classes]]:
    """Name, and label -> the model's class, [labels]."""
    count = max(len(names), int(labels.max()) + 1)
    straight = np.arange(count)
    as_text = np.array(sorted(straight.tolist(), key=str))
    yield "reversed", straight[::-1]
    yield "numbers sorted as text", as_text
    yield "numbers that were sorted as text", as_text.argsort()
    yield "one more, behind a class for the background", straight + 1
    yield "one less", straight - 1
    if set(names) <= set(config_labels) and names:
        yield "that of the config's labels", np.array([config_labels.index(name) for name in names])
    matrix = np.zeros((count, classes), np.int64)
    np.add.at(matrix, (labels, answers), 1)
    there = np.unique(labels)
    likeliest = matrix.argmax(axis=1)
    # Two labels with one answer are no order.
    if len(set(likeliest[there].tolist())) == len(there) > 1:
        shown = ", ".join(f"{label} is {likeliest[label]}" for label in there[:2].tolist())
        yield f"{shown}{', …' if len(there) > 2 else ''}", likeliest
