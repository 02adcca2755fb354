"""Damaged files of every kind are read or refused; ``python -m tests.fuzz`` tries 10,000."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.campaign import Tally, attempt, run
from tests.fuzz.models import write_models

#: Of each kind on a pull request; TFLite, ONNX and TF.js have hundreds in tests of their own.
SOME, ALL = 10, 1250
#: And those that ended in an error of a library once.
FOUND = {
    "h5": (182, 254, 263, 382, 456),
    "pb": (27, 207, 335, 727),
    "tfjs.zip": (176, 461),
}


def test_some_are_read_or_refused(tmp_path: Path) -> None:
    tally = Tally()
    for kind, content in write_models(tmp_path / "models").items():
        for seed in (*range(SOME), *FOUND.get(kind, ())):
            tally.add(f"{kind}, seed {seed}", attempt(kind, content, seed, tmp_path / "work"))
    assert tally.faults == []
    assert tally.outcomes["refused"] > tally.outcomes["read"] > 0


@pytest.mark.nightly
def test_thousands_are_read_or_refused(tmp_path: Path) -> None:
    tallies = run(write_models(tmp_path / "models"), range(ALL), tmp_path / "work")
    assert [fault for tally in tallies.values() for fault in tally.faults] == []
    assert sum(tally.outcomes.total() for tally in tallies.values()) == 10_000
