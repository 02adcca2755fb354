"""What a trial makes of measurements."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.optimize import distill, uint8
from pipeline.optimize.contract import Technique
from pipeline.search.space import version_of
from pipeline.search.trial import no_time


def timed(kind: str, ratio: dict[str, float] | None, repeats: int = 20) -> dict[str, Any]:
    return {"hardware": {"kind": kind}, "latency": {"ratio": ratio, "repeats": repeats}}


RATIO = {"value": 0.5, "low": 0.4, "high": 0.6}


def test_no_ratio_is_not_float32s_speed() -> None:
    assert no_time([timed("cpu", RATIO)]) == ""
    assert "too few" in no_time([timed("cpu", RATIO), timed("cpu", None, repeats=1)])
    assert "rasterizer" in no_time([timed("software", None)])


@pytest.mark.parametrize("technique", [uint8.TECHNIQUE, distill.TECHNIQUE])
def test_a_version_is_its_own_and_its_tools(technique: Technique) -> None:
    version, step, tools = version_of(technique)
    assert version or step
    assert technique.codec or tools["tensorflow"]
