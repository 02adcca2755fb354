"""The client's tests in Node: what is pure of it, without a browser (``unit/*.test.mjs``)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import twin_cases

CLIENT = Path(__file__).parents[2] / "pipeline" / "client"
CASES = json.loads(twin_cases.FILE.read_text())


def test_what_is_pure_of_the_client() -> None:
    """As ``npm test`` in the client's folder runs it."""
    done = subprocess.run(
        ["npm", "test", "--silent"], cwd=CLIENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cases_are_pythons_answers() -> None:
    for case in CASES["canaries"]:
        assert twin_cases.canary_of(case) == pytest.approx(case["values"], rel=1e-6)
