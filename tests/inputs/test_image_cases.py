"""What is written for the twin in JavaScript is what Python makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import image_cases

CASES = json.loads(image_cases.FILE.read_text())


@pytest.mark.parametrize("case", CASES["images"], ids=lambda case: str(case["shape"]))
def test_images(case: image_cases.Case) -> None:
    assert image_cases.input_of(case) == pytest.approx(case["values"], rel=1e-6, abs=1e-6)
    assert image_cases.origin(case) == case["origin"]


@pytest.mark.parametrize("case", CASES["around"], ids=lambda case: str(case["how"]))
def test_around(case: image_cases.Case) -> None:
    assert image_cases.square_of(case)["square"] == pytest.approx(case["square"], rel=1e-12)


@pytest.mark.parametrize("case", CASES["regions"], ids=lambda case: str(case["region"]["angle"]))
def test_regions(case: image_cases.Case) -> None:
    assert image_cases.crop_of(case) == pytest.approx(case["values"], rel=1e-6, abs=1e-5)
    assert image_cases.crop_origin(case) == case["origin"]
