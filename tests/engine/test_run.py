from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.base.errors import PipelineError, SourceError
from pipeline.engine.graph import Node
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.schedule import Run
from pipeline.engine.shared import SharedStore
from pipeline.engine.store import Store
from pipeline.plan import Plan

HERE = Path(__file__).parent / "lanes"
sys.path.insert(0, str(HERE))

import plain_steps as steps  # noqa: E402


def plan(*nodes: Node) -> Plan:
    made = Plan(config=None)  # type: ignore[arg-type]
    for node in nodes:
        made.add(node)
    return made


def node(name: str, function=steps.write, inputs=(), lane=None, **options) -> Node:
    given = {str(i): need for i, need in enumerate(inputs)}
    return Node(name, function, steps.Write(text=name, **options), given, lane=lane)


class Events(list):
    """What a run tells: changes of steps' states; reports apart."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str]] = []

    def on_event(self, state, node, seconds) -> None:
        self.append((state, node.id))

    def on_progress(self, fraction, note, lane) -> None:
        self.notes.append((lane, note))


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalLanes]:
    """Processes for all tests that do not ask how they begin and end."""
    with LocalLanes(tmp_path_factory.mktemp("logs")) as lanes:
        for lane in ("light", "other"):
            lanes.submit(lane, time.sleep, 0).result()
        yield lanes


def run(lanes: LocalLanes, store: Store, *nodes: Node, files=None) -> tuple[dict, Events]:
    events = Events()
    return Run(plan(*nodes), store, lanes, files or {}, events).all(), events


def run_apart(store: Store, *nodes: Node) -> tuple[dict, Events]:
    """In processes of their own, which end with it."""
    with LocalLanes(store.root / "logs") as lanes:
        return run(lanes, store, *nodes)


def text(store: Store, result) -> str:
    return store.read(result, "text")


def test_results_flow_and_the_second_run_makes_nothing(lanes: LocalLanes, tmp_path: Path) -> None:
    store = Store(tmp_path)
    nodes = (node("a"), node("b"), node("ab", inputs=("a", "b")))
    first, events = run(lanes, store, *nodes)
    assert text(store, first["ab"]) == "abab"
    assert [name for state, name in events if state == "done"] == ["a", "b", "ab"]

    second, events = run(lanes, store, *nodes)
    assert events == [("stored", "a"), ("stored", "b"), ("stored", "ab")]
    assert second["ab"].digest == first["ab"].digest


def test_machines_that_share_a_store_share_results(lanes: LocalLanes, tmp_path: Path) -> None:
    one, other = (SharedStore(str(tmp_path / "shared"), tmp_path / name) for name in "ab")
    nodes = (node("a"), node("ab", inputs=("a",)))
    run(lanes, one, *nodes)
    results, events = run(lanes, other, *nodes, node("abc", inputs=("ab",)))
    assert events[:2] == [("stored", "a"), ("stored", "ab")]
    assert text(one, results["abc"]) == "aababc"


def test_only_what_a_change_reaches_is_made_again(lanes: LocalLanes, tmp_path: Path) -> None:
    store = Store(tmp_path)
    run(lanes, store, node("a"), node("b"), node("ab", inputs=("a", "b")))
    changed = Node("b", steps.write, steps.Write(text="B"))
    _, events = run(lanes, store, node("a"), changed, node("ab", inputs=("a", "b")))
    assert events[0] == ("stored", "a")
    assert [name for state, name in events if state == "done"] == ["b", "ab"]


def test_equal_results_of_different_options_cut_the_rebuild_short(
    lanes: LocalLanes, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    log = tmp_path / "log"
    run(lanes, store, node("a"), node("aa", inputs=("a",)))
    # Another option, the same bytes: what depends on them is not made again.
    same = Node("a", steps.write, steps.Write(text="a", log=str(log)))
    _, events = run(lanes, store, same, node("aa", inputs=("a",)))
    assert ("done", "a") in events and ("stored", "aa") in events


def test_local_files_are_known_by_content(lanes: LocalLanes, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "text").write_text("one")
    files = {"a": {"file": folder}}
    run(lanes, store, node("a"), files=files)
    os.utime(folder / "text", (0, 0))
    assert run(lanes, store, node("a"), files=files)[1] == [("stored", "a")]
    (folder / "text").write_text("two")
    assert ("done", "a") in run(lanes, store, node("a"), files=files)[1]


def test_timings_run_alone(lanes: LocalLanes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    nodes = [node(f"w{i}", log=str(log), seconds=1, lane=lane)
             for i, lane in enumerate(("light", "other"))]  # fmt: skip
    timings = [node(f"t{i}", steps.alone, log=str(log), seconds=0.2) for i in range(2)]
    run(lanes, Store(tmp_path / "store"), *timings, *nodes)
    lines = [line.split() for line in log.read_text().splitlines()]
    spans = {}
    for name, at, _ in lines:
        spans.setdefault(name.removesuffix("-end"), []).append(float(at))
    for alone in ("t0", "t1"):
        for other, (start, end) in spans.items():
            if other != alone:
                assert end <= spans[alone][0] or start >= spans[alone][1], spans
    assert spans["w0"][0] < spans["w1"][1] and spans["w1"][0] < spans["w0"][1]


def test_the_background_stands_still_while_something_is_timed(
    lanes: LocalLanes, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    pieces = node("b", steps.background, log=str(log), seconds=2)
    before = node("a", log=str(log), seconds=0.5)
    timing = node("t", steps.alone, inputs=("a",), log=str(log), seconds=1)
    run(lanes, Store(tmp_path / "store"), pieces, before, timing)
    at: dict[str, list[float]] = {}
    for line in log.read_text().splitlines():
        at.setdefault(line.split()[0], []).append(float(line.split()[1]))
    (start,), (end,) = at["t"], at["t-end"]
    assert not [piece for piece in at["b"] if start - 0.1 < piece < end]
    assert at["b"][-1] > end, "it did not keep what is timed waiting"


def test_an_error_does_not_wait_for_the_background(tmp_path: Path) -> None:
    log = tmp_path / "log"
    pieces = node("b", steps.background, log=str(log), seconds=60)
    began = time.monotonic()
    before = node("a", seconds=3)
    with pytest.raises(PipelineError, match="cannot be had"):
        run_apart(Store(tmp_path / "store"), pieces, before, node("f", steps.refuse, inputs=("a",)))
    assert time.monotonic() - began < 30
    assert log.exists(), "it had begun"


def test_timings_wait_for_processes_that_are_starting(tmp_path: Path) -> None:
    store, log = Store(tmp_path / "store"), tmp_path / "log"
    ready = []
    with LocalLanes(store.root / "logs") as lanes:
        slow = lanes.submit("browser", time.sleep, 1)
        slow.add_done_callback(lambda future: ready.append(time.monotonic()))
        lanes._warming.append(slow)  # as a browser that takes its time to start
        timing = node("t", steps.alone, log=str(log))
        Run(plan(timing), store, lanes, {}, Events()).all()
    began = float(log.read_text().split()[1])
    assert ready[0] <= began


def pids(log: Path) -> dict[str, int]:
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return {name: int(pid) for name, _, pid in lines}


def test_a_quick_step_starts_no_process_and_waits_for_none(tmp_path: Path) -> None:
    log, store = tmp_path / "log", Store(tmp_path / "store")
    before, quick = node("a"), node("q", steps.quick, inputs=("a",), log=str(log))
    after = Node("b", steps.write, steps.Write(text="b"), {"0": "a"}, after=("q",))
    run_apart(store, before, quick, after)
    # The lane has a process for the other steps.
    assert pids(log)["q"] != os.getpid()

    log.unlink()
    again = node("q", steps.quick, inputs=("a",), log=str(log), seconds=0.01)
    running = psutil.Process().children()
    with LocalLanes(store.root / "logs") as lanes:
        Run(plan(before, again, after), store, lanes, {}, Events()).all()
        # What comes after it, and would need one, is in the store.
        assert set(psutil.Process().children()) <= set(running)
    assert pids(log)["q"] == os.getpid()

    with pytest.raises(SourceError, match=r"^there: cannot be had\n  do this$"):
        run_apart(store, before, node("bad", steps.quick, inputs=("a",)))
    assert not list((store.root / "work").iterdir())


def test_a_quick_step_keeps_nothing_waiting(lanes: LocalLanes, tmp_path: Path) -> None:
    log, store = tmp_path / "log", Store(tmp_path / "store")
    run(lanes, store, node("a"))
    slow = node("slow", lane="other", log=str(log), seconds=1.0)
    run(lanes, store, node("a"), slow, node("q", steps.quick, inputs=("a",), log=str(log)))
    assert len({os.getpid(), *pids(log).values()}) == 3


def test_only_what_a_step_reads_is_looked_at(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = Node("two", steps.two, steps.Write(text="two"))
    quick = steps.quick, steps.Write(text="q"), {"0": "two"}
    first, _ = run_apart(store, made, Node("q", *quick, reads=("text",)))
    assert text(store, first["q"]) == "text"
    sha256, size = first["two"].tree["folder/large"]
    store.path(sha256).chmod(0o644)
    store.path(sha256).write_text("x" * size)
    other = steps.quick, steps.Write(text="r"), {"0": "two"}
    assert ("done", "r") in run_apart(store, made, Node("r", *other, reads=("text",)))[1]
    with pytest.raises(PipelineError, match=r"^s: a file that an earlier step made was damaged"):
        run_apart(store, made, Node("s", steps.quick, steps.Write(text="s"), {"0": "two"}))
    # The key is of all files, read or not.
    less = Node("two", steps.write, steps.Write(text="read"))
    assert ("done", "q") in run_apart(store, less, Node("q", *quick, reads=("text",)))[1]


def test_what_is_true_only_now_is_made_every_time(lanes: LocalLanes, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for _ in range(2):
        results, events = run(lanes, store, node("n", steps.only_now), node("x", inputs=("n",)))
        assert ("done", "n") in events
        assert text(store, results["x"]) == "nowx"


def test_errors_come_as_they_were_and_finished_steps_are_kept(
    lanes: LocalLanes, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    with pytest.raises(SourceError, match=r"^there: cannot be had\n  do this$") as caught:
        run(lanes, store, node("a"), node("bad", steps.refuse, inputs=("a",)))
    assert caught.value.exit_code == 4
    assert run(lanes, store, node("a"))[1] == [("stored", "a")]


def test_a_librarys_error_names_it_in_one_line_with_its_cause(
    lanes: LocalLanes, tmp_path: Path
) -> None:
    said = r"^bad: plain_steps failed: of a library \(ZeroDivisionError\)\n  run again with --debug"
    with pytest.raises(PipelineError, match=said) as caught:
        run(lanes, Store(tmp_path), node("bad", steps.crash))
    assert "ZeroDivisionError" in str(caught.value.__cause__)


def test_a_killed_process_is_said_to_be_killed(lanes: LocalLanes, tmp_path: Path) -> None:
    said = r"^bad: its process was killed, as systems do for want of memory\n  end other programs"
    with pytest.raises(PipelineError, match=said):
        run(lanes, Store(tmp_path), node("bad", steps.killed))
    assert not list((tmp_path / "objects").glob("*/*"))


def test_a_crashed_process_is_told_from_a_killed_one(lanes: LocalLanes, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"^bad: its process crashed \(SIGABRT\)"):
        run(lanes, Store(tmp_path), node("bad", steps.aborts))


def run_most(lanes: LocalLanes, store: Store, *nodes: Node, never: str = "") -> tuple[Run, Events]:
    """All that can be made, whatever fails, unless ``never`` does."""
    events = Events()
    done = Run(plan(*nodes), store, lanes, {}, events)
    done.all(lambda failed: never in failed)
    return done, events


def test_what_fails_ends_what_needs_it_and_nothing_else(lanes: LocalLanes, tmp_path: Path) -> None:
    store = Store(tmp_path)
    bad = node("bad", steps.crash, inputs=("a",))
    timed = node("t", steps.alone, inputs=("c",))
    nodes = node("a"), bad, node("b", inputs=("bad",)), node("c", inputs=("a",)), timed
    done, events = run_most(lanes, store, *nodes)
    assert list(done.results) == ["a", "c", "t"]
    assert list(done.failures) == ["bad"]
    assert ("start", "b") not in events and ("failed", "bad") in events
    # What failed is tried again.
    _, events = run_most(lanes, store, *nodes)
    assert [name for state, name in events if state == "start"] == ["bad"]


def test_steps_after_a_killed_one_have_a_process(lanes: LocalLanes, tmp_path: Path) -> None:
    nodes = node("bad", steps.killed), node("worse", steps.aborts), node("good")
    done, _ = run_most(lanes, Store(tmp_path), *nodes)
    assert list(done.results) == ["good"]
    assert "was killed" in str(done.failures["bad"])
    assert "crashed (SIGABRT)" in str(done.failures["worse"])


def test_a_crash_is_a_result_where_its_step_says_so(lanes: LocalLanes, tmp_path: Path) -> None:
    store = Store(tmp_path)
    nodes = node("bad", steps.crashes_in_native_code), node("good"), node("b", inputs=("bad",))
    done, events = run_most(lanes, store, *nodes)
    crashed = "bad: its process crashed (SIGSEGV): a fault in a library that it uses"
    assert text(store, done.results["bad"]) == crashed
    assert text(store, done.results["b"]) == f"{crashed}b"
    assert not done.failures and done.only_now
    assert ("failed", "bad") in events and ("done", "good") in events
    # It is the result of this run only.
    assert ("start", "bad") in run_most(lanes, store, *nodes)[1]


@pytest.mark.timeout(300)
def test_a_process_killed_while_it_reports_keeps_no_other_from_it(
    lanes: LocalLanes, tmp_path: Path
) -> None:
    bad = node("bad", steps.killed_while_it_reports, lane="other")
    later = node("later", steps.slow, inputs=("slow",))
    done, events = run_most(
        lanes, Store(tmp_path), bad, node("slow", steps.slow, seconds=1.0), later
    )
    assert list(done.results) == ["slow", "later"]
    assert "was killed" in str(done.failures["bad"])
    assert ("light", "half of later") in events.notes


def test_what_all_need_ends_the_run_and_all_that_failed_is_told(
    lanes: LocalLanes, tmp_path: Path
) -> None:
    nodes = node("bad", steps.crash), node("shared", steps.refuse, lane="other", inputs=("a",))
    late = node("late", inputs=("slow",))
    with pytest.raises(PipelineError) as caught:
        slow = node("slow", seconds=1.0)
        run_most(lanes, Store(tmp_path), node("a"), *nodes, slow, late, never="shared")
    assert "bad: plain_steps failed" in str(caught.value)
    assert "there: cannot be had\n  do this" in str(caught.value)


def test_no_error_names_a_path_of_the_store(lanes: LocalLanes, tmp_path: Path) -> None:
    for what in ("input", "work", "other"):
        bad = node("bad", steps.names_paths, inputs=("a",), log=what)
        with pytest.raises(PipelineError) as caught:
            run(lanes, Store(tmp_path), node("a"), bad)
        said = str(caught.value)
        assert str(tmp_path) not in said
        assert said.splitlines()[0] == {
            "input": "bad: No such file or directory: 0/gone",
            "work": "bad: plain_steps failed: cannot write model.bin in its folder (ValueError)",
            "other": "bad: is damaged: a file of an earlier step",
        }[what]  # fmt: skip


def test_lanes_leave_no_threads(tmp_path: Path) -> None:
    # Python 3.11 ends with "OSError: [Errno 9] Bad file descriptor" where one is just ending.
    before = set(threading.enumerate())
    with LocalLanes(tmp_path) as lanes:
        lanes.submit("light", time.sleep, 0).result()
        lanes.submit("other", time.sleep, 0).result()
        pools = {thread for thread in threading.enumerate() if not thread.daemon} - before
        assert len(pools) >= 2
    assert not [thread for thread in pools if thread.is_alive()]
    deadline = time.monotonic() + 60
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, "those that forward reports end by themselves"


def test_each_run_is_told_what_its_own_steps_report(tmp_path: Path) -> None:
    store, build, search = Store(tmp_path), Events(), Events()
    with LocalLanes(tmp_path / "logs") as lanes:
        for watch, name in ((build, "a"), (search, "b"), (build, "c")):
            Run(plan(node(name)), store, lanes, {}, watch).all()
            deadline = time.monotonic() + 60
            while ("light", f"wrote {name}") not in watch.notes and time.monotonic() < deadline:
                time.sleep(0.01)
    assert build.notes == [("light", "wrote a"), ("light", "wrote c")]
    assert search.notes == [("light", "wrote b")]


TALKS = f"""
import sys, time
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
import plain_steps as steps
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.call import StepCall, execute
from pipeline.engine.store import Place

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    options = steps.Write(log=str(folder / "log")).model_dump_json()
    place = Place(folder / "store")
    call = StepCall("talk", place, "plain_steps:chatter", options, {{}}, {{}}, "key")
    with LocalLanes(folder) as lanes:
        lanes.submit("light", execute, call, on_progress=lambda *report: time.sleep(0.2))
        while not (folder / "log").exists():
            time.sleep(0.05)
        time.sleep(0.5)
        raise SystemExit("enough")
"""


def test_a_process_that_is_ended_while_it_reports_holds_up_nobody(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(TALKS)
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stderr == "enough\n"


PARENT = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
import plain_steps as steps
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.graph import Node
from pipeline.plan import Plan
from pipeline.engine.schedule import Run
from pipeline.engine.store import Store
from pipeline.engine.watch import Silent

if __name__ == "__main__":
    plan = Plan(config=None)
    plan.add(Node("done", steps.write, steps.Write(text="done")))
    log = sys.argv[1] + "/log"
    long = steps.Write(text="long", log=log, seconds=60)
    plan.add(Node("long", steps.write, long, {{"0": "done"}}))
    store = Store(Path(sys.argv[1]) / "store")
    with LocalLanes(store.root / "logs") as lanes:
        Run(plan, store, lanes, {{}}, Silent()).all()
"""


def test_no_process_outlives_a_killed_build_and_the_next_one_resumes(
    lanes: LocalLanes, tmp_path: Path
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, script, tmp_path])
    log = tmp_path / "log"
    deadline = time.monotonic() + 120
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    worker = int(log.read_text().split()[2])
    assert psutil.pid_exists(worker)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while psutil.pid_exists(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(worker)

    store = Store(tmp_path / "store")
    assert list((store.root / "work").iterdir())
    with store.in_use():
        assert not list((store.root / "work").glob("*"))
    assert run(lanes, store, node("done"))[1] == [("stored", "done")]
