"""TF.js artifacts in a real Chromium, compared with what TensorFlow returned."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from browser_cases import Case, case
from nightly import nightly

from pipeline.backends.session import Unavailable
from pipeline.backends.web import artifact_page, packages, page_session, session
from pipeline.backends.web.backends import BACKENDS
from pipeline.backends.web.engines import chromium
from pipeline.base.errors import PipelineError, RunError

pytestmark = pytest.mark.browser
tfjs_cpu, tfjs_wasm = BACKENDS["tfjs-cpu"], BACKENDS["tfjs-wasm"]
tfjs_webgl = BACKENDS["tfjs-webgl"]


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """For tests that start the browser in another way."""
    yield monkeypatch
    session.close("chromium")


#: The classifier on each backend is test_engines.py.
CASES = [
    *(("tfjs-wasm", name) for name in ("three_outputs", "dynamic", "layers")),
    ("tfjs-webgl", "three_outputs"), nightly("tfjs-cpu", "dynamic"),
    nightly("tfjs-webgl", "dynamic"), nightly("tfjs-webgl", "layers"),
    nightly("tfjs-cpu", "three_outputs"), nightly("tfjs-cpu", "layers"),
]  # fmt: skip


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_parity(backend: str, name: str) -> None:
    expected = case(name)
    with BACKENDS[backend].open_session(expected.artifact, "chromium") as opened:
        outputs = opened.infer(expected.inputs)
        assert opened.hardware.details["backend"] == backend.removeprefix("tfjs-")
    assert set(outputs) == set(expected.outputs)
    for key, array in expected.outputs.items():
        assert outputs[key].dtype == array.dtype
        np.testing.assert_allclose(outputs[key], array, atol=1e-5, rtol=1e-5)


def test_wasm_says_what_runs(classifier: Case) -> None:
    with tfjs_wasm.open_session(classifier.artifact, "chromium") as opened:
        hardware, load_ms = opened.hardware, opened.load_ms
    assert hardware.kind == "cpu"
    assert hardware.details["simd"] is True
    # Threads only exist in a page that COOP and COEP isolate.
    assert hardware.details["cross_origin_isolated"] is True
    assert hardware.details["runtime"] == "tfjs-wasm"
    assert hardware.details["runtime_version"] == packages.versions()["@tensorflow/tfjs"]
    assert 1 <= hardware.details["threads"] <= hardware.details["logical_cores"]
    assert load_ms > 0


@pytest.mark.nightly  # test_engines.py asks it while it is timed
def test_webgl_says_what_draws(classifier: Case) -> None:
    with tfjs_webgl.open_session(classifier.artifact, "chromium") as opened:
        hardware = opened.hardware
    assert hardware.name == hardware.details["renderer"]
    software = "swiftshader" in hardware.name.lower() or "llvmpipe" in hardware.name.lower()
    assert hardware.kind == ("software" if software else "gpu")
    assert hardware.details["texture_float_bits"] in (16, 32)


def test_missing_webgl_is_unavailable_and_never_another_backend(
    flags: pytest.MonkeyPatch, classifier: Case
) -> None:
    flags.setenv(chromium.FLAGS_VARIABLE, "--disable-gpu --disable-software-rasterizer")
    message = "^this browser gives no WebGL context here$"
    with pytest.raises(Unavailable, match=message):
        tfjs_webgl.open_session(classifier.artifact, "chromium")
    with tfjs_wasm.open_session(classifier.artifact, "chromium") as opened:
        assert opened.hardware.details["backend"] == "wasm"


def test_missing_entry_is_an_http_error_with_its_name(editable: Path) -> None:
    entry = editable / json.loads((editable / "artifact.json").read_text())["entry"]
    entry.unlink()
    with pytest.raises(PipelineError, match=rf"GET files/{entry.name} got HTTP 404$"):
        tfjs_cpu.open_session(editable, "chromium")


def test_truncated_shard_fails(editable: Path) -> None:
    shard = min(editable.glob("files/*.bin"), key=lambda path: path.stat().st_size)
    shard.write_bytes(shard.read_bytes()[:-8])
    message = rf"files/{shard.name} cannot be fetched: ended after \d+ of \d+ bytes"
    with pytest.raises(RunError, match=f"^tfjs-graph/fp32 in chromium: {message}"):
        tfjs_cpu.open_session(editable, "chromium")


def test_outputs_that_the_artifact_does_not_promise_are_an_error(tmp_path: Path) -> None:
    source = case("three_outputs")
    description = json.loads((source.artifact / "artifact.json").read_text())
    description["outputs"][0]["name"] = "omega"
    (tmp_path / "artifact.json").write_text(json.dumps(description))
    (tmp_path / "files").symlink_to(source.artifact / "files")
    message = r"returns \[zeta,alpha,middle\], the artifact promises \[omega,alpha,middle\]"
    with (
        tfjs_cpu.open_session(tmp_path, "chromium") as opened,
        pytest.raises(PipelineError, match=message),
    ):
        opened.infer(source.inputs)


def test_latency_has_one_number_a_repeat_and_a_first_of_its_own(classifier: Case) -> None:
    with tfjs_webgl.open_session(classifier.artifact, "chromium") as opened:
        opened.infer(classifier.inputs)
        latency = opened.latency(classifier.one, reference=None, warmups=2, repeats=4)
    assert len(latency.warm_ms) == 4
    assert min(latency.warm_ms) > 0
    # It was compiled before, in another page: a first inference compiles again.
    assert latency.first_ms > 3 * statistics.median(latency.warm_ms)


def test_latency_without_repeats(classifier: Case) -> None:
    with tfjs_wasm.open_session(classifier.artifact, "chromium") as opened:
        latency = opened.latency(classifier.one, reference=None, warmups=0, repeats=0)
    assert latency.first_ms >= 0
    assert latency.warm_ms == []


def test_a_reference_is_timed_in_the_same_page(classifier: Case) -> None:
    with tfjs_wasm.open_session(classifier.artifact, "chromium") as opened:
        alone = opened.memory()
        latency = opened.latency(
            classifier.one, reference=classifier.artifact, warmups=1, repeats=5
        )
        # Of the artifact alone, though a second model is now open beside it.
        assert opened.memory()["tensor_bytes"] == alone["tensor_bytes"]
        description = json.loads((classifier.artifact / "artifact.json").read_text())
        assert opened.fetched_bytes == description["bytes"]
    assert latency.reference_ms is not None
    assert len(latency.warm_ms) == len(latency.reference_ms) == 5
    assert min(*latency.warm_ms, *latency.reference_ms) > 0
    assert (alone["process_bytes"] or 0) > 50_000_000


def test_a_large_reference_is_timed_in_a_page_of_its_own(
    classifier: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_session, "LARGE_BYTES", 0)
    with tfjs_wasm.open_session(classifier.artifact, "chromium") as opened:
        alone = opened.memory()
        latency = opened.latency(
            classifier.one, reference=classifier.artifact, warmups=1, repeats=5
        )
        assert opened.memory()["tensor_bytes"] == alone["tensor_bytes"]
        expected = classifier.outputs
        for name, values in opened.infer(classifier.inputs).items():
            np.testing.assert_allclose(values, expected[name], atol=1e-4)
    assert latency.reference_ms is not None
    assert len(latency.warm_ms) == len(latency.reference_ms) == 5
    assert min(*latency.warm_ms, *latency.reference_ms) > 0


def test_artifacts_in_a_row_share_one_browser_and_leave_no_page(classifier: Case) -> None:
    with tfjs_wasm.open_session(classifier.artifact, "chromium") as first:
        first.infer(classifier.one)
        before = browser_process().pid
        layers = case("layers")
        with tfjs_cpu.open_session(layers.artifact, "chromium") as second:
            second.infer(layers.one)
            first.infer(classifier.one)
        assert browser_process().pid == before
    browser = session.running("chromium").browser._browser
    assert browser.contexts == []
    assert len(session.running("chromium").server.folders) == 2  # the page and its packages


def test_only_the_artifacts_files_are_fetched_and_each_once(classifier: Case) -> None:
    server = session.running("chromium").server
    server.log.clear()
    with tfjs_wasm.open_session(classifier.artifact, "chromium"):
        pass
    fetched = sorted(seen.path.split("/", 2)[2] for seen in server.log if "/files/" in seen.path)
    description = json.loads((classifier.artifact / "artifact.json").read_text())
    assert fetched == sorted(file["path"] for file in description["files"])
    assert {seen.status for seen in server.log} == {200}


def test_a_crashed_page_is_an_error_and_the_next_artifact_runs(classifier: Case) -> None:
    opened = tfjs_wasm.open_session(classifier.artifact, "chromium")
    crash(opened)
    with opened, pytest.raises(PipelineError, match="the page crashed, most likely because"):
        opened.infer(classifier.one)
    with tfjs_wasm.open_session(classifier.artifact, "chromium") as after:
        after.infer(classifier.one)


def test_a_page_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, classifier: Case) -> None:
    with tfjs_cpu.open_session(classifier.artifact, "chromium") as opened:
        opened._page._page._page.evaluate("() => { fetch = () => { for (;;); }; }")
        monkeypatch.setattr(artifact_page, "JOB_TIMEOUT_S", 1)
        with pytest.raises(PipelineError, match="the page gave no answer within 1 s"):
            opened.infer(classifier.one)
        with pytest.raises(PipelineError):
            opened.infer(classifier.one)


def test_inputs_of_another_dtype_than_the_models_are_refused_as_in_pages() -> None:
    expected = case("three_outputs")
    with tfjs_cpu.open_session(expected.artifact, "chromium") as opened:
        for name, dtype in (("shift", "int64"), ("image", "float64")):
            other = expected.inputs | {name: expected.inputs[name].astype(dtype)}
            refusal = rf'input "{name}" takes \w+ \[.*\], and was given {dtype} \['
            with pytest.raises(PipelineError, match=refusal):
                opened.infer(other)
        outputs = opened.infer(expected.inputs)
    np.testing.assert_array_equal(outputs["alpha"], expected.outputs["alpha"])


def test_a_closed_session_says_so(classifier: Case) -> None:
    with tfjs_cpu.open_session(classifier.artifact, "chromium") as opened:
        pass
    with pytest.raises(PipelineError, match="the session is closed"):
        opened.infer(classifier.one)


def browser_process() -> psutil.Process:
    """The browser's own process: the Chromium whose parent is no Chromium."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    commands = {child: child.cmdline() for child in children if process(child.pid)}
    mine = [
        child
        for child, command in commands.items()
        if "--remote-debugging-pipe" in command and "--type=" not in str(command)
    ]
    (found,) = mine
    return found


def process(pid: int) -> psutil.Process | None:
    """The process, unless it has ended and only waits for its parent to notice."""
    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else found
    except psutil.NoSuchProcess:
        return None


def crash(opened: object) -> None:
    from playwright.sync_api import Error

    page = opened._page._page._page  # type: ignore[attr-defined]
    with pytest.raises(Error):
        page.goto("chrome://crash", timeout=60_000)
