"""Bytes are shared among weights so that errors are least."""

from __future__ import annotations

import numpy as np

from pipeline.weights import allocation
from pipeline.weights.allocation import Choice
from pipeline.weights.codec import Weight


def choices(layers: int) -> list[list[Choice]]:
    chance = np.random.default_rng(0)
    sizes = [tuple(chance.integers(8, 96, 2).tolist()) for _ in range(layers)]
    weights = [(chance.normal(size=size) * chance.gamma(2)).astype(np.float32) for size in sizes]
    return [list(allocation._choices(Weight(values, sides=(0, 1)), 256)) for values in weights]


def test_of_all_ways_to_share_as_many_bytes_none_has_less_error() -> None:
    given = choices(3)
    whole = sum(allocation._reference(each, 256).bytes for each in given)
    best = allocation._best(given, 0.97 * whole)
    size, error = (sum(getattr(one, name) for one in best) for name in ("bytes", "error"))
    for first in given[0]:
        for second in given[1]:
            for third in given[2]:
                if first.bytes + second.bytes + third.bytes <= size:
                    assert first.error + second.error + third.error >= error * (1 - 1e-9)
