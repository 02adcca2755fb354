"""Every backend in every engine that can have it: really opened, run, timed, killed and closed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import psutil
import pytest
from browser_cases import ONNX, Case
from nightly import CHROMIUM_FIRST, ENGINES, IN_EVERY_ENGINE, nightly

from pipeline.backends.gpu import host_gpu
from pipeline.backends.session import Unavailable
from pipeline.backends.targets import Target, list_targets
from pipeline.backends.web import processes, session
from pipeline.backends.web.backends import BACKENDS
from pipeline.backends.web.driver import PageFailure
from pipeline.backends.web.engine import engines
from pipeline.backends.web.engines import chromium, firefox
from pipeline.base.errors import PipelineError

pytestmark = pytest.mark.browser
tfjs_cpu, tfjs_wasm = BACKENDS["tfjs-cpu"], BACKENDS["tfjs-wasm"]

TARGETS = [target for target in list_targets() if target.engine]
#: On a pull request each backend in Chromium, and in the others the one that pages use most;
#: ../../client/test_runtimes.py has ONNX Runtime's WebGPU.
ELSEWHERE = {"tfjs-wasm@firefox", "tfjs-wasm@webkit"}


def soon(target: Target) -> bool:
    return target.id in ELSEWHERE or (
        target.engine == "chromium" and target.backend != "ort-webgpu"
    )


PAIRS = [
    pytest.param(target, id=target.id, marks=() if soon(target) else pytest.mark.nightly)
    for target in TARGETS
]
#: Where a machine may lack what an installed engine needs (a Vulkan driver that Firefox finds).
MAY_LACK = {"tfjs-webgpu@firefox", "ort-webgpu@firefox"}


def need(engine: str) -> None:
    if reason := engines()[engine].unavailable():
        pytest.skip(f"{engine}: {reason}; `make setup` installs it where it may")


@pytest.fixture(params=CHROMIUM_FIRST)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    need(request.param)
    yield request.param


def artifact_for(target: Target, case: Case) -> Path:
    return case.artifact if target.runs("tfjs-graph") else ONNX


@pytest.mark.parametrize("target", PAIRS)
def test_runs_and_times_a_pair(target: Target, classifier: Case) -> None:
    need(str(target.engine))
    artifact = artifact_for(target, classifier)
    try:
        opened = target.definition.open_session(artifact, target.engine)
    except Unavailable as reason:
        if target.id not in MAY_LACK:
            raise
        pytest.skip(f"{target.id}: {reason}")
    with opened:
        latency = opened.latency(classifier.one, reference=artifact, warmups=1, repeats=2)
        fetched, memory = opened.fetched_bytes, opened.memory()
        outputs = opened.infer(classifier.inputs)
        hardware = opened.hardware
    error = np.abs(outputs["probabilities"] - classifier.outputs["probabilities"]).max()
    half = target.backend == "tfjs-webgl-f16"
    assert 1e-4 < error < 1e-2 if half else error < 1e-5
    assert hardware.details.get("texture_float_bits", 32) == (16 if half else 32)
    assert len(latency.warm_ms) == len(latency.reference_ms or []) == 2
    assert latency.first_ms > 0
    assert fetched == json.loads((artifact / "artifact.json").read_text())["bytes"]
    assert (memory["process_bytes"] or 0) > 50_000_000
    assert hardware.details["backend"] in target.backend
    assert hardware.details["engine"] == target.engine
    assert hardware.details["engine_version"]
    assert hardware.details["cross_origin_isolated"] is True
    assert hardware.details.get("simd", True) is True
    on_cpu = "wasm" in target.backend or "cpu" in target.backend
    assert hardware.kind == "cpu" if on_cpu else hardware.kind != "cpu"
    if not host_gpu():
        assert hardware.kind != "gpu", "no GPU is claimed where there is none"


@pytest.mark.parametrize("backend", ["tfjs-wasm", "ort-wasm"])
def test_threads_are_as_many_as_asked_for(engine: str, backend: str, classifier: Case) -> None:
    target = Target(backend, engine)
    for threads in (1, 2):
        with target.open(artifact_for(target, classifier), threads) as opened:
            assert opened.hardware.details["threads"] == threads
            outputs = opened.infer(classifier.one)
        expected = classifier.outputs["probabilities"][:1]
        np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)


def test_a_missing_shard_is_named(engine: str, editable: Path) -> None:
    shard = sorted(editable.glob("files/*.bin"))[1]
    shard.unlink()
    with pytest.raises(PipelineError, match=rf"GET files/{shard.name} got HTTP 404$") as caught:
        tfjs_cpu.open_session(editable, engine)
    assert caught.value.where == f"tfjs-graph/fp32 in {engine}"


def test_missing_external_data_is_named(engine: str, tmp_path: Path) -> None:
    artifact = Path(shutil.copytree(ONNX, tmp_path / "artifact"))
    (shard,) = artifact.glob("files/*.bin")
    shard.unlink()
    with pytest.raises(PipelineError, match=rf"GET files/{shard.name} got HTTP 404$"):
        BACKENDS["ort-wasm"].open_session(artifact, engine)


# What ends the browser comes last: each start takes it seconds.
def test_a_page_that_does_not_load_is_closed(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = session.running(engine).browser
    module = import_module(f"pipeline.backends.web.engines.{engine}")
    monkeypatch.setattr(module, "START_TIMEOUT_S", 2)
    with pytest.raises(PageFailure):
        browser.open("http://127.0.0.1:1/")
    with pytest.raises(PageFailure):
        browser.open("http://127.0.0.1:1/")
    assert browser.alive()
    assert pages(browser) <= 1, "the blank one that a browser begins with"


def pages(browser: Any) -> int:
    if isinstance(browser, chromium.ChromiumBrowser):
        return len(browser._browser.contexts)
    if isinstance(browser, firefox.FirefoxBrowser):
        return len(browser._connection.command("browsingContext.getTree")["contexts"])
    return len(browser._driver.window_handles)


@pytest.mark.nightly  # Chromium's on a pull request: test_chromium_session.py
def test_a_dead_page_is_told_or_started_again(engine: str, classifier: Case) -> None:
    with tfjs_cpu.open_session(classifier.artifact, engine) as opened:
        for process in page_processes(engine):
            process.kill()
        try:
            outputs = opened.infer(classifier.inputs)
        except PipelineError as error:
            assert "the page crashed" in error.what
            assert error.where == f"tfjs-graph/fp32 in {engine}"
            assert error.todo == "try again; finished steps are kept"
        else:
            assert outputs
    with tfjs_cpu.open_session(classifier.artifact, engine) as after:
        after.infer(classifier.one)


def page_processes(engine: str) -> list[psutil.Process]:
    names = {"chromium": "--type=renderer", "firefox": "-isForBrowser", "webkit": "WebKitWebProc"}
    below = psutil.Process(session.running(engine).browser.pid).children(recursive=True)
    return [p for p in below if names[engine] in " ".join(command(p))]


def command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("how", [signal.SIGKILL, nightly(signal.SIGTERM)])
def test_a_killed_browser_is_started_again(
    engine: str, classifier: Case, how: signal.Signals
) -> None:
    """And named where it was timed, which nothing may interrupt."""
    with tfjs_cpu.open_session(classifier.artifact, engine) as opened:
        killed = psutil.Process(session.running(engine).browser.pid)
        Timer(1.0, killed.send_signal, (how,)).start()
        with pytest.raises(PipelineError, match="the browser's process ended") as caught:
            opened.latency(classifier.one, reference=None, warmups=1, repeats=10**6, seconds=30.0)
        killed.wait(60)
        outputs = opened.infer(classifier.inputs)
        assert session.running(engine).browser.pid != killed.pid
    expected = classifier.outputs["probabilities"]
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    assert caught.value.where == f"tfjs-graph/fp32 in {engine}"


@IN_EVERY_ENGINE
def test_pages_and_processes_are_gone_after_close(engine: str, classifier: Case) -> None:
    for _ in range(2):
        with tfjs_cpu.open_session(classifier.artifact, engine) as opened:
            opened.infer(classifier.one)
    running = session.running(engine)
    assert len(running.server.folders) == 2  # the page and its packages
    before = {p.pid: p for p in psutil.Process().children(recursive=True)}
    own = [before[running.browser.pid], *before[running.browser.pid].children(recursive=True)]
    displays = [p for p in before.values() if "-displayfd" in command(p)]
    session.close(engine)
    _, alive = psutil.wait_procs(own, timeout=60)
    assert not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    if engine != "chromium":
        assert any(not p.is_running() for p in displays), "its display is closed with it"


LEAVES = """
import os, signal, sys, psutil
from pathlib import Path
from pipeline.backends.web.backends import BACKENDS
for engine in sys.argv[3:]:
    BACKENDS["tfjs-cpu"].open_session(Path(sys.argv[1]), engine)
print(*[child.pid for child in psutil.Process().children(recursive=True)], flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("how", "names"),
    # Firefox and WebKit are ended in one way, Chromium in another.
    [("killed", ("chromium", "webkit")), nightly("killed", ENGINES), nightly("ended", ENGINES)],
)
def test_no_process_outlives_its_build(classifier: Case, how: str, names: Sequence[str]) -> None:
    there = [name for name in names if not engines()[name].unavailable()]
    words = [sys.executable, "-c", LEAVES, str(classifier.artifact), how, *there]
    result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == (0 if how == "ended" else -signal.SIGKILL), result.stderr
    children = [int(pid) for pid in result.stdout.split()]
    assert len(children) > 2 * len(there)
    deadline = time.monotonic() + 60
    while any(map(lives, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in children if lives(pid)] == []


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_browser_that_does_not_start_is_unavailable(
    engine: str, classifier: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Broken 1.0 && exit 0\nexit 1\n')
    broken.chmod(0o755)
    module = import_module(f"pipeline.backends.web.engines.{engine}")
    session.close(engine)
    before = set(psutil.Process().children(recursive=True))
    monkeypatch.setattr(module, "find_browser" if engine == "chromium" else "find", lambda: broken)
    monkeypatch.setattr(module, "START_TIMEOUT_S", 5)
    with pytest.raises(Unavailable, match=rf"{broken} does not start: "):
        tfjs_cpu.open_session(classifier.artifact, engine)
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [command(process) for process in left if lives(process.pid)]


@pytest.mark.nightly
def test_a_firefox_that_takes_no_session_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    need("firefox")

    def refuse(connection: object) -> str:
        raise PageFailure("the browser failed: session not created: full")

    before = set(psutil.Process().children(recursive=True))
    monkeypatch.setattr(firefox, "_greet", refuse)
    with pytest.raises(Unavailable, match="does not start: the browser failed: session not"):
        firefox.start()
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [command(process) for process in left if lives(process.pid)]


def test_folders_of_killed_processes_are_removed(tmp_path: Path) -> None:
    with ExitStack() as undo:
        mine = processes.folder(undo, "test")
        dead = subprocess.Popen(["true"])
        dead.wait()
        left = mine.with_name(f"pipeline-browser-{dead.pid}-test-x")
        (left / "profile").mkdir(parents=True)
        other = processes.folder(undo, "test")
        assert mine.exists() and other.exists() and not left.exists()
    assert not mine.exists() and not other.exists()
