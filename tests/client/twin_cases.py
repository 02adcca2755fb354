"""Inputs and the answers that Python gives to them, for the tests of its twins in JavaScript.

``python -m tests.client.twin_cases`` writes ``unit/cases.json`` anew. ``test_unit.py`` holds that
Python still answers so, and ``unit/*.test.mjs`` that JavaScript does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.tensors.signature import TensorSpec
from pipeline.validate import canary

FILE = Path(__file__).with_name("unit") / "cases.json"

Array = NDArray[Any]
Case = dict[str, Any]


def cases() -> dict[str, list[Case]]:
    """All of them, by what is tested."""
    chance = np.random.default_rng(7)
    return {
        "canaries": [{**one, "values": canary_of(one)} for one in canaries(chance)],
    }


def canaries(chance: np.random.Generator) -> list[Case]:
    """Inputs of all kinds, as manifests have them."""
    samples: dict[str, Array] = {
        "image": chance.normal(size=(18, 33, 3)).astype("float32"),
        "bytes": chance.integers(0, 256, (9, 7), "uint8"),
        "tokens": chance.integers(0, 30_000, (600,), "int32"),
        "long": chance.integers(-9, 9, (12,), "int64"),
        "flags": chance.integers(0, 2, (5,)).astype(bool),
        "double": chance.normal(size=(4, 4)),
    }
    return [
        {"encoded": canary.encode(one, TensorSpec(name, one.dtype.name, (None, *one.shape)))}
        for name, one in samples.items()
    ]


def canary_of(case: Case) -> list[float]:
    return figures(canary.decode(case["encoded"]))


def figures(values: Array) -> list[float]:
    """Flat, with as many figures as float32 has."""
    return [float(f"{value:.8g}") for value in values.ravel().astype(np.float64)]


def lines(parts: dict[str, list[Case]]) -> Iterable[str]:
    """JSON with a case a line."""
    for name, entries in parts.items():
        rows = ",\n".join(json.dumps(one) for one in entries)
        yield f"{json.dumps(name)}: [\n{rows}\n]"


if __name__ == "__main__":
    FILE.write_text("{\n" + ",\n".join(lines(cases())) + "\n}\n")
