"""What a trial makes of measurements."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from pipeline.engine.lanes.local import LocalLanes
from pipeline.optimize import distill, uint8
from pipeline.search.space import version_of
from pipeline.search.trial import no_time
from pipeline.search.watch import Silent, showing


def timed(kind: str, ratio: dict[str, float] | None, repeats: int = 20) -> dict[str, Any]:
    return {"hardware": {"kind": kind}, "latency": {"ratio": ratio, "repeats": repeats}}


def test_a_search_sees_what_its_steps_report(tmp_path: Path) -> None:
    class Seen(Silent):
        notes: ClassVar[list[str]] = []

        def on_progress(self, fraction: float, note: str, lane: str = "") -> None:
            self.notes.append(note)

    with LocalLanes(tmp_path) as lanes:
        with showing(lanes, Seen()):
            lanes.on_progress(0.5, "epoch 2 of 4", "tensorflow")
        lanes.on_progress(1.0, "of the build", "tensorflow")
    assert Seen.notes == ["epoch 2 of 4"]


RATIO = {"value": 0.5, "low": 0.4, "high": 0.6}


def test_no_ratio_is_not_float32s_speed() -> None:
    assert no_time([timed("cpu", RATIO)]) == ""
    assert "too few" in no_time([timed("cpu", RATIO), timed("cpu", None, repeats=1)])
    assert "rasterizer" in no_time([timed("software", None)])


@pytest.mark.parametrize("technique", [uint8, distill])
def test_a_version_is_its_own_and_its_tools(technique: ModuleType) -> None:
    version, step, tools = version_of(technique)
    assert version or step
    assert technique is uint8 or tools["tensorflow"]
