"""Embeddings: what they are made of, and their measures against plain loops."""

from __future__ import annotations

import json
from typing import Any

import embedding_cases
import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tasks.feature_extraction import score
from pipeline.tasks.feature_extraction.options import Options
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample

TASK = Purpose(name="feature-extraction").task


def about(**options: Any) -> About[Options]:
    return About(Options(**options))


def vectors(count: int, size: int = 8, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def cosine(a: Any, b: Any) -> float:
    return float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)))


def test_the_cases_are_pythons_answers() -> None:
    assert json.loads(embedding_cases.FILE.read_text()) == embedding_cases.cases()


@pytest.mark.parametrize(
    ("options", "outputs", "message"),
    [
        ({}, {"y": (2, 5, 4)}, "a sample has 5 vectors of 4 numbers"),
        ({}, {"y": (2, 4), "z": (2, 4)}, "the model has several outputs; it gives y, z"),
        ({"output": "x"}, {"y": (2, 4)}, "there is no output x; it gives y"),
    ],
)
def test_what_is_no_embedding_is_said(
    options: dict[str, Any], outputs: dict[str, tuple[int, ...]], message: str
) -> None:
    given = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    with pytest.raises(ConfigError, match=message):
        TASK.answers(given, about(**options))  # type: ignore[misc]


@pytest.mark.parametrize("count", [3, 7, 20, 21, 40, score.ROWS + 30])
def test_neighbours_agree_as_sorting_them_all_says(count: int) -> None:
    golden = vectors(count, seed=1)
    changed = golden + 0.5 * vectors(count, seed=2)
    nearest = min(10, (count - 1) // 2)
    shares = []
    for row in range(count):
        others = [other for other in range(count) if other != row]
        near, wanted = (
            sorted(others, key=lambda other: -cosine(of[row], of[other]))[:nearest]
            for of in (changed, golden)
        )
        edge = cosine(golden[row], golden[wanted[-1]]) - score.SLACK
        shares += [cosine(golden[row], golden[other]) >= edge for other in near]
    found = score.agree({"y": changed}, {"y": golden}, about())
    assert found["neighbour_agreement"] == pytest.approx(np.mean(shares), abs=1e-12)
    assert found["neighbour_agreement"] < 1
    each = [cosine(a, b) for a, b in zip(changed, golden, strict=True)]
    assert found["least_cosine"] == pytest.approx(min(each), abs=1e-6)


def test_what_is_scaled_agrees_and_one_sample_has_no_neighbours() -> None:
    golden = vectors(30)
    same = score.agree({"y": 3 * golden}, {"y": golden}, about(normalize=False))
    assert same == {"neighbour_agreement": 1.0, "least_cosine": pytest.approx(1.0)}
    assert score.agree({"y": golden[:1]}, {"y": golden[:1]}, about())["neighbour_agreement"] is None


def test_accuracy_is_that_of_the_nearest_other_sample() -> None:
    outputs, labels = vectors(50, 3), np.random.default_rng(3).integers(0, 4, 50)
    right = []
    for row in range(50):
        others = [other for other in range(50) if other != row]
        best = max(others, key=lambda other: cosine(outputs[row], outputs[other]))
        right.append(labels[best] == labels[row])
    found = score.neighbour_accuracy({"y": outputs}, PerSample({"label": labels}), about())
    assert found.right is not None and found.right.tolist() == right
    assert found.measured()["metric"] == "neighbour_accuracy"
    assert found.chance == np.bincount(labels).max() / 50


def test_a_sample_is_shown_by_its_cosine() -> None:
    one, other = vectors(2)
    shown = TASK.show({"y": one}, {"y": other}, None, about())  # type: ignore[misc]
    assert shown.lines[0].artifact == f"{cosine(one, other):.4f}"
