from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.build.remaining import TYPICAL, Remaining, read, typical, write
from pipeline.engine.graph import Node

sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "lanes"))

import plain_steps as steps


def node(name: str, function: object = steps.write, lane: str | None = None) -> Node:
    return Node(name, function, steps.Write(text=name), lane=lane)  # type: ignore[arg-type]


def test_lanes_go_side_by_side_and_what_is_timed_goes_alone() -> None:
    nodes = [node("a"), node("b"), node("c", lane="other"), node("t", steps.alone)]
    left = Remaining(nodes, {"a": 10, "b": 20, "c": 25, "t": 7})
    assert left.seconds({}) == 30 + 7
    assert left.seconds({"a": 4}) == 26 + 7
    left.end("a", 10)
    assert left.seconds({}) == 25 + 7
    left.end("c", None)
    assert left.seconds({}) == 20 + 7
    assert left.seconds({"b": 100}) == 7, "what takes longer than it did is nearly done"


def test_a_slower_machine_is_expected_to_stay_slower() -> None:
    left = Remaining([node("a"), node("b")], {"a": 6, "b": 10})
    left.end("a", 18)
    assert left.seconds({}) == pytest.approx(30)


def test_a_first_build_goes_by_typical_times() -> None:
    assert Remaining([node("qat small")], {}).seconds({}) == TYPICAL["qat"]
    assert 0 < typical("whatever else") < 1


def test_times_of_steps_are_kept_and_no_trouble_comes_of_them(tmp_path: Path) -> None:
    file = tmp_path / "last" / "seconds.json"
    assert read(file) == {}
    write(file, {}, {"a": 1.0, "b": 2.0})
    write(file, read(file), {"b": 3.0})
    assert read(file) == {"a": 1.0, "b": 3.0}
    write(file, {}, {f"step {i}": 1.0 for i in range(2000)})
    assert len(read(file)) == 500
    for broken in ("{", "[1]", '{"a": []}'):
        file.write_text(broken)
        assert read(file) == {}
