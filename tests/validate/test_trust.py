"""A source that does not do what it is for is told from one that was measured on few samples."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.measures.proportion import share
from pipeline.tasks.image_classification.score import chance
from pipeline.validate.trust import doubt


def accuracy(right: int, samples: int, chance: float) -> dict[str, object]:
    return share("top1_accuracy", np.arange(samples) < right) | {"chance": chance}


@pytest.mark.parametrize(
    ("right", "samples", "chance"),
    [(32, 90, 1 / 3), (0, 10, 0.5), (90, 100, 0.9), (1, 1000, 0.001)],
)
def test_no_better_than_chance(right: int, samples: int, chance: float) -> None:
    found = doubt(accuracy(right, samples, chance), None)
    said = f"accuracy of the source model itself is {right / samples:.2%} on {samples} samples"
    assert found and said in found


@pytest.mark.parametrize(
    ("right", "samples", "chance"),
    [(52, 90, 1 / 3), (2, 2, 0.5), (99, 100, 0.9), (10, 1000, 0.001), (3, 4, 1 / 3)],
)
def test_better_than_chance_or_too_few_to_say(right: int, samples: int, chance: float) -> None:
    assert doubt(accuracy(right, samples, chance), None) is None


def test_what_a_config_states_counts_in_place_of_chance() -> None:
    assert doubt(accuracy(32, 90, 1 / 3), 0.35) is None
    told = doubt(accuracy(640, 1000, 0.001), 0.71)
    assert told == (
        "accuracy of the source model itself is 64.00% on 1000 samples, and source.accuracy says "
        "71.00%"
    )
    # A point or two, and what few samples cannot tell, is not far.
    assert doubt(accuracy(690, 1000, 0.001), 0.71) is None
    assert doubt(accuracy(6, 10, 0.001), 0.71) is None


def test_where_less_is_better_more_is_doubted(distance: str) -> None:
    off = {"metric": distance, "samples": 90}
    assert doubt({**off, "value": 3.0, "low": 2.5, "high": 3.5}, 12.5) is None
    assert doubt({**off, "value": 12.9, "low": 12.6, "high": 13.5}, 12.5) is None, "a twentieth"
    assert doubt({**off, "value": 31.26, "low": 25.0, "high": 40.0}, 12.5) == (
        "mean distance of the source model itself is 31.3 px on 90 samples, and source.accuracy "
        "says 12.5 px"
    )


def test_without_labels_there_is_no_doubt() -> None:
    assert doubt(None, None) is None
    assert doubt({"metric": "m", "value": 0.1, "samples": 9}, None) is None


def test_chance_is_the_commonest_label() -> None:
    outputs = {"scores": np.zeros((4, 5), np.float32)}
    assert chance(outputs, np.array([0, 1, 1, 1])) == 0.75
    assert chance(outputs, np.array([3, 3, 3, 3])) == 0.2
