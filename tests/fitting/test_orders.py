"""Labels in another order than the model's classes are told from a model that is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.fitting.orders import GIVEN, best

CLASSES = 12
TRUTH = np.random.default_rng(0).integers(0, CLASSES, 200)


def answers(wrong: float = 0.2) -> np.ndarray:
    """A model's, of which some are wrong."""
    chance = np.random.default_rng(1)
    return np.where(chance.random(200) < wrong, chance.integers(0, CLASSES, 200), TRUTH)


def order_of(labels: np.ndarray, names: tuple[str, ...] = (), wanted: tuple[str, ...] = ()) -> str:
    name, right = best(answers(), labels, CLASSES + 1, names, wanted)
    assert right.mean() > 0.75
    return name


def test_the_order_given_stays_where_it_is_right() -> None:
    assert order_of(TRUTH) == GIVEN
    # A wrong model has no order, whatever happens to fit some samples.
    noise = np.random.default_rng(2).integers(0, CLASSES, 200)
    assert best(noise, TRUTH, CLASSES, (), ())[0] == GIVEN


def test_folders_named_by_numbers_are_sorted_as_text() -> None:
    """0, 1, 10, 11, 2, …: the label of folder "2" is 4."""
    labels = np.array(sorted(range(CLASSES), key=str)).argsort()[TRUTH]
    assert order_of(labels) == "numbers sorted as text"


def test_a_class_for_the_background_comes_first() -> None:
    assert order_of(TRUTH - 1 + (TRUTH == 0)) == "one more, behind a class for the background"


def test_the_configs_labels_name_the_order() -> None:
    names = tuple("abcdefghijkl")
    wanted = tuple(np.random.default_rng(3).permutation(names))
    labels = np.array([names.index(wanted[truth]) for truth in TRUTH])
    assert order_of(labels, names, wanted) == "that of the config's labels"
    assert order_of(labels).startswith("0 is ")


@pytest.mark.parametrize("classes", [2, 13])
def test_the_order_reversed(classes: int) -> None:
    truth = TRUTH % classes
    name, right = best(truth, classes - 1 - truth, classes, (), ())
    assert (name, right.all()) == ("reversed", True)
