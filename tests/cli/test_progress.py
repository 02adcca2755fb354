"""What a build shows, on a terminal and in a log; real steps in real lanes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nightly import nightly

from pipeline.cli.live import Heartbeat, Now, RunningStep, estimate

HERE = Path(__file__).parents[1] / "engine" / "lanes"

#: Two lanes at work: one waits, one is compressed file by file.
SCRIPT = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
import plain_steps as steps
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.graph import Node
from pipeline.plan import Plan
from pipeline.cli.progress import Lines
from pipeline.engine.schedule import Run
from pipeline.engine.store import Store

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    plan = Plan(config=None)
    plan.add(Node("convert one", steps.slow, steps.Write(text="a", seconds=3)))
    plan.add(Node("compress two", steps.slow, steps.Write(text="b", seconds=3), lane="other"))
    store, progress = Store(folder / "store"), Lines(folder / "seconds.json")
    with LocalLanes(folder / "logs") as lanes, progress.of(2, plan.nodes.values()):
        Run(plan, store, lanes, {{}}, progress).all()
"""


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    (tmp_path / "script.py").write_text(SCRIPT)
    return [sys.executable, str(tmp_path / "script.py"), str(tmp_path)]


def on_terminal(command: list[str], columns: int) -> str:
    """What a command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "24", "TERM": "xterm"}
    process = subprocess.Popen(command, stderr=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 4096):
            parts.append(part)
    except OSError:  # nobody has the other end any more
        pass
    os.close(ours)
    assert process.wait() == 0
    return b"".join(parts).decode()


@pytest.mark.parametrize("columns", [80, nightly(120)])
def test_a_terminal_shows_each_lane_how_far_it_is_and_what_remains(
    script: list[str], columns: int
) -> None:
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_terminal(script, columns))
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", shown)]
    assert any(re.search(r"^\S convert one +\d+% half of a +\d:\d\d$", line) for line in lines)
    assert any(re.search(r"^\S compress two +\d+% half of b +\d:\d\d$", line) for line in lines)
    assert any(re.search(r"0 of 2 steps, \d:\d\d so far, ", line) for line in lines)
    assert any(line.startswith("✓ convert one") for line in lines)
    assert max(map(len, lines)) <= columns


def test_a_log_has_a_line_for_each_step_and_no_control_codes(
    script: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    assert sorted(line[:13].strip() for line in done.stderr.splitlines()) == [
        "✓ compress tw",
        "✓ convert one",
    ]
    assert "\x1b" not in done.stderr and "\r" not in done.stderr
    assert (tmp_path / "seconds.json").exists(), "the next build's estimate"


def test_a_log_hears_of_a_step_that_takes_long(capfd: pytest.CaptureFixture[str]) -> None:
    now = Now(total=2)
    now.lanes["light"] = RunningStep(
        "compress onnx/fp32", time.monotonic() - 65, 0.5, "5.0 of 10.0 MB"
    )
    heart, began = Heartbeat(now, every_s=0.2), time.monotonic()
    time.sleep(0.7)
    heart.stop()
    most = (time.monotonic() - began) / 0.2
    said = capfd.readouterr().err.splitlines()
    assert 1 <= len(said) <= most
    assert re.fullmatch(r"compress onnx/fp32 1:0\d 50% 5\.0 of 10\.0 MB", said[0])


def test_an_estimate_is_no_promise() -> None:
    assert estimate(None) == ""
    assert estimate(3) == "nearly done"
    assert estimate(83) == "about 1:25 left"


def test_nothing_to_wait_for_imports_nothing_for_it() -> None:
    spared = "{'rich', 'pipeline.build.remaining'}"
    code = f"import sys, pipeline.cli.progress; assert not {spared} & {{*sys.modules}}"
    subprocess.run([sys.executable, "-c", code], check=True)
