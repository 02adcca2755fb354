"""Steps on workers that are processes of their own, on loopback."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import PLAIN_STEPS, Cluster, running

from pipeline.base.errors import ConfigError, MissingToolError, PipelineError
from pipeline.engine.ended import LanesLostError
from pipeline.engine.graph import Graph, Node
from pipeline.engine.lanes.cluster.connect import connect
from pipeline.engine.schedule import Run
from pipeline.engine.store import Result, Store
from pipeline.engine.watch import Silent

sys.path.insert(0, str(PLAIN_STEPS))

import plain_steps as steps


def node(name: str, function=steps.write, inputs=(), lane=None, **options) -> Node:
    needs = {str(number): need for number, need in enumerate(inputs)}
    return Node(name, function, steps.Write(text=name, **options), needs, lane=lane)


def graph(*nodes: Node) -> Graph:
    made = Graph()
    for one in nodes:
        made.add(one)
    return made


def run(cluster: Cluster, *nodes: Node, files=None, **more) -> dict[str, Result]:
    store = Store(cluster.folder / "store")
    with connect(cluster.address, store) as (lanes, _):
        return Run(graph(*nodes), store, lanes, files or {}, Silent(), **more).all()


def text(cluster: Cluster, result: Result) -> str:
    return Store(cluster.folder / "store").read(result, "text")


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def wait_for(log: Path, count: int = 1) -> None:
    deadline = time.monotonic() + 30
    while len(lines(log)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster"), "w1", "w2") as cluster:
        yield cluster


def test_results_flow_and_equal_work_of_two_builds_is_done_once(
    cluster: Cluster, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "text").write_text("outside ")
    files = {"a": {"file": tmp_path / "folder"}}
    nodes = (node("a", log=str(log), seconds=0.3), node("b"), node("ab", inputs=("a", "b")))
    results: list[str] = []
    builds = [
        threading.Thread(
            target=lambda: results.append(text(cluster, run(cluster, *nodes, files=files)["ab"]))
        )
        for _ in range(2)
    ]
    for build in builds:
        build.start()
    for build in builds:
        build.join()
    assert results == ["outside abab"] * 2
    assert len(lines(log)) == 2, "it began and ended once"


def test_steps_go_to_all_workers_and_say_where_they_ran(cluster: Cluster) -> None:
    nodes = [node(f"n{number}", steps.names_its_machine) for number in range(12)]
    made = {text(cluster, result).split()[0] for result in run(cluster, *nodes).values()}
    assert made == {"w1", "w2"}


def test_what_is_timed_is_alone_on_its_worker(cluster: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    others = [
        node(f"o{number}", log=str(log), seconds=0.1, lane=("light", "tensorflow-like")[number % 2])
        for number in range(8)
    ]
    timed = [node(f"t{number}", steps.alone, log=str(log), seconds=0.1) for number in range(4)]
    run(cluster, *timed, *others)
    spans: dict[str, list[float]] = {}
    worker: dict[str, int] = {}
    parents = {pid: parent for name in ("w1", "w2") for pid, parent in _children(cluster, name)}
    for name, at, pid in map(str.split, lines(log)):
        spans.setdefault(name.removesuffix("-end"), []).append(float(at))
        worker[name.removesuffix("-end")] = parents[int(pid)]
    for alone in (f"t{number}" for number in range(4)):
        for other, (start, end) in spans.items():
            if other != alone and worker[other] == worker[alone]:
                assert end <= spans[alone][0] or start >= spans[alone][1]


def _children(cluster: Cluster, name: str) -> Iterator[tuple[int, int]]:
    import psutil

    parent = cluster.processes[name].pid
    return ((child.pid, parent) for child in psutil.Process(parent).children(recursive=True))


def test_errors_of_steps_and_of_their_processes_come_back(cluster: Cluster) -> None:
    with pytest.raises(PipelineError, match="there: cannot be had\n  do this"):
        run(cluster, node("bad", steps.refuse))
    with pytest.raises(PipelineError, match="its process was killed"):
        run(cluster, node("dead", steps.killed))
    with pytest.raises(PipelineError, match="its process crashed \\(SIGABRT\\)"):
        run(cluster, node("aborted", steps.aborts))
    result = run(cluster, node("stands", steps.crashes_in_native_code))["stands"]
    assert text(cluster, result).startswith("stands: its process crashed (SIGSEGV)")


def test_steps_of_a_worker_that_ends_run_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    cluster.start_worker("w3")
    log = tmp_path / "log"
    culprit = node("culprit", steps.ends_its_worker, log=str(log), seconds=1)
    beside = [node(f"beside{number}", seconds=0.05) for number in range(8)]
    results = run(cluster, culprit, *beside)
    assert text(cluster, results["culprit"]) == "culprit"
    assert [text(cluster, results[one.id]) for one in beside] == [one.id for one in beside]
    assert len({line.split()[1] for line in lines(log)}) == 2, "on two workers"


def test_a_scheduler_that_does_not_answer_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.engine.lanes.cluster.connect._ANSWERS_WITHIN_S", 0.5)
    with (
        pytest.raises(MissingToolError, match="no scheduler answers") as raised,
        connect("tcp://127.0.0.1:9", Store(Path("/nonexistent"))),
    ):
        pass
    assert "pipeline scheduler" in raised.value.todo


@pytest.mark.nightly
def test_a_step_that_ends_three_workers_is_named_and_nobody_else(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(tmp_path, "w1", "w2", "w3", "w4", "w5") as cluster:
        store = Store(tmp_path / "store")
        culprit = node("culprit", steps.ends_its_worker, log=str(log), seconds=9)
        beside = [node(f"beside{number}", seconds=0.3) for number in range(30)]
        with connect(cluster.address, store) as (lanes, _):
            build = Run(graph(culprit, *beside), store, lanes, {}, Silent())
            results = build.all(lambda failed: False)
        assert set(results) == {one.id for one in beside}
        assert set(build.failures) == {"culprit"}
        assert str(build.failures["culprit"]).startswith("culprit: 3 workers ended as they ran it")
        assert len(lines(log)) == 3
        assert sum(process.poll() is None for process in cluster.processes.values()) == 3


@pytest.mark.nightly
def test_steps_of_a_worker_that_stalls_run_elsewhere(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(tmp_path, "w1", silent_s=4.0) as cluster:
        done: list[dict[str, Result]] = []
        slow = node("slow", log=str(log), seconds=2)
        build = threading.Thread(target=lambda: done.append(run(cluster, slow)))
        build.start()
        wait_for(log)
        os.kill(cluster.processes["w1"].pid, signal.SIGSTOP)
        cluster.start_worker("w2")
        build.join(60)
        assert text(cluster, done[0]["slow"]) == "slow"
        # Its step ended meanwhile, into the same store: whoever was first stands.
        os.kill(cluster.processes["w1"].pid, signal.SIGCONT)
        assert cluster.processes["w1"].wait(60) == 1
        assert "took this worker for dead" in (tmp_path / "w1.log").read_text()
        assert run(cluster, slow)["slow"].tree == done[0]["slow"].tree


@pytest.mark.nightly
def test_a_worker_that_loses_the_store_ends_and_its_steps_run_elsewhere(tmp_path: Path) -> None:
    with running(tmp_path, "w1") as cluster:
        (tmp_path / "mounted").symlink_to(tmp_path / "store")
        cluster.start_worker("w2", tmp_path / "mounted")
        nodes = [node(f"before{number}", steps.names_its_machine) for number in range(8)]
        made = {text(cluster, result).split()[0] for result in run(cluster, *nodes).values()}
        assert made == {"w1", "w2"}
        (tmp_path / "mounted").unlink()
        nodes = [node(f"after{number}", steps.names_its_machine) for number in range(8)]
        made = {text(cluster, result).split()[0] for result in run(cluster, *nodes).values()}
        assert made == {"w1"}
        assert cluster.processes.pop("w2").wait(10) == 1
        assert "the store is gone" in (tmp_path / "w2.log").read_text()
        assert not (tmp_path / "mounted").exists()


@pytest.mark.nightly
def test_without_its_scheduler_a_build_ends_and_the_next_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(tmp_path, "w1") as cluster:
        errors: list[BaseException] = []
        nodes = (node("first"), node("slow", inputs=("first",), log=str(log), seconds=5))

        def build() -> None:
            try:
                run(cluster, *nodes)
            except PipelineError as error:
                errors.append(error)

        thread = threading.Thread(target=build)
        thread.start()
        wait_for(log)
        cluster.end("scheduler")
        thread.join(60)
        assert isinstance(errors[0], LanesLostError)
        assert "run the same command: finished steps are kept" in errors[0].todo
        assert cluster.processes.pop("w1").wait(60) == 1
        cluster.start_scheduler()
        cluster.start_worker("w2")
        assert text(cluster, run(cluster, *nodes)["slow"]) == "firstslow"


@pytest.mark.nightly
def test_workers_that_differ_are_refused_by_name(tmp_path: Path) -> None:
    other = tmp_path / "site" / "numpy-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    with running(tmp_path) as cluster:
        with pytest.raises(ConfigError, match="no worker is there"):
            run(cluster, node("a"))
        cluster.start_worker("older", PYTHONPATH=f"{other.parent}{os.pathsep}{PLAIN_STEPS}")
        cluster.start_worker("stranger", tmp_path / "other store")
        with pytest.raises(ConfigError) as raised:
            run(cluster, node("a"))
        assert "older: its packages differ: numpy 0.0.1, not " in str(raised.value)
        assert "stranger: it uses another store" in str(raised.value)
        cluster.start_worker("fits")
        nodes = [node(f"n{number}", steps.names_its_machine) for number in range(6)]
        made = {text(cluster, result).split()[0] for result in run(cluster, *nodes).values()}
        assert made == {"fits"}
