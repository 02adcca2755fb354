"""Models that lose what they say in float16, made and run by the real steps in a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from half_models import frozen, norm_of_large, norm_of_small, plain, samples
from safetensors.numpy import save_file

from pipeline.artifacts.proof import HalfProof, Ranges
from pipeline.backends.web import bundles, session
from pipeline.base.options import NoOptions
from pipeline.engine.step import Keep
from pipeline.export import tfjs_graph
from pipeline.export.tfjs_graph import packaging
from pipeline.tasks.find import Purpose
from pipeline.tensors.signature import Signature
from pipeline.validate import canary, ranges
from pipeline.validate.half import (
    BOUNDS,
    FIRST,
    FLOAT16,
    FLOAT32,
    SAME,
    HalfOptions,
    half_precision,
    hazards,
    keep_first,
    run,
)

Body = Callable[[Any], Any]


@pytest.fixture(scope="module", autouse=True)
def _browser_closed() -> Iterator[None]:
    yield
    session.close()


def half(body: Body, place: Path) -> dict[str, Any]:
    """What a manifest would say of a model: scanned, converted, and run both ways."""
    folders = {
        name: place / name for name in ("ranges", "model", "artifact", "golden", "float32", "half")
    }
    for folder in folders.values():
        folder.mkdir()
    graph, arrays = frozen(body, place / "frozen"), samples()
    (place / "samples" / "test").mkdir(parents=True)
    for folder in (place / "samples" / "test", folders["golden"]):
        save_file(arrays, folder / "inputs.safetensors")
    outputs = {"y": {"softmax": False}}
    (folders["golden"] / "golden.json").write_text(json.dumps({"outputs": outputs}))
    given = {"frozen": graph, "samples": place / "samples"}
    ranges.scan(given, NoOptions(), folders["ranges"])
    options = tfjs_graph.convert.options_type()
    tfjs_graph.convert({"frozen": graph}, options, folders["model"])
    package = packaging.PackageOptions(format="tfjs-graph", variant="fp32", shard_bytes=2**20)
    packaging.package({"model": folders["model"]}, package, folders["artifact"])
    folders["runtime"] = bundles.make_in_process(FLOAT32.backend)
    with FLOAT32.open(folders["artifact"], runtime=folders["runtime"]) as opened:
        wanted = opened.infer(arrays)
        keep_first(wanted, folders["float32"])
        signature = Signature.read(graph)
        canary.make(arrays, wanted, signature, opened.infer, folders["golden"])
    inputs = {name: folders[name] for name in ("artifact", "golden", "float32", "runtime")}
    run(inputs, HalfOptions(task=Purpose(name="tensors")), folders["half"])
    scanned = Ranges(folders["ranges"]).read()
    ran = HalfProof(folders["half"]).read()
    answer = ran["canary"]
    return half_precision(scanned, ran) | {"canary": answer}


@pytest.mark.browser
def test_sums_of_large_squares_are_lost(tmp_path: Path) -> None:
    said = half(norm_of_large, tmp_path)
    assert said["safe"] is False
    assert said["hazards"][0]["op"] in {"Mul", "Sum", "Square"}
    assert {"squares"} <= {node["node"] for node in said["hazards"]}
    assert said["parity"]["nonfinite"] > 0 or said["parity"]["relative_error"] > 0.1
    assert "against float32, must be" in said["reason"] and "reaches" in said["reason"]
    assert said["target"] == FLOAT16.id


@pytest.mark.browser
@pytest.mark.nightly
def test_sums_of_small_squares_are_lost(tmp_path: Path) -> None:
    said = half(norm_of_small, tmp_path)
    assert said["safe"] is False
    flushed = {node["node"]: node["flush_share"] for node in said["hazards"]}
    assert flushed["squares"] == 1
    assert said["parity"]["relative_error"] > 0.1


@pytest.mark.browser
def test_what_stays_in_range_is_safe(tmp_path: Path) -> None:
    said = half(plain, tmp_path)
    assert said["safe"] is True, said
    assert said["hazards"] == []
    assert said["reason"] == "as in float32 on 8 samples"
    # It did run in float16: in float32 the two runs would be equal.
    assert 1e-5 < said["parity"]["relative_error"] < 0.1
    assert len(said["canary"]["y"]) == 8


def node(name: str, **more: float) -> dict[str, Any]:
    zero = {"max_abs": 1.0, "overflow_share": 0.0, "flush_share": 0.0}
    return {"node": name, "op": "Mul", **zero, **more}


RAN = {
    "target": FLOAT16.id,
    "samples": 8,
    "reason": None,
    "parity": {"nonfinite": 0, "relative_error": 0.01, "top1_agreement": None},
    "bounds": {**BOUNDS, "top1_agreement": SAME},
}


def test_what_overflows_comes_before_what_flushes() -> None:
    found = hazards(
        [
            node("a bit", flush_share=0.005),
            node("some", flush_share=0.5),
            node("far", max_abs=1e6, overflow_share=0.1),
            node("all", flush_share=1.0),
            node("just", max_abs=65505),
        ]
    )
    assert [one["node"] for one in found] == ["far", "just", "all", "some"]


def test_nothing_is_called_safe_that_did_not_run_in_float16() -> None:
    quiet = {"nodes": [node("a")]}
    assert half_precision(quiet, None)["safe"] is None
    missing = {**RAN, "parity": None, "reason": "no Chromium"}
    said = half_precision(quiet, missing)
    assert (said["safe"], said["reason"]) == (None, "not measured: no Chromium")
    assert half_precision(quiet, RAN)["safe"] is True


def test_a_good_run_is_no_proof_where_numbers_overflow() -> None:
    loud = {"nodes": [node("square", max_abs=1e6, overflow_share=0.1)]}
    said = half_precision(loud, RAN)
    assert said["safe"] is None
    assert "square reaches 1e+06, more than float16 holds" in said["reason"]


def test_what_float16_loses_is_named() -> None:
    for metric, value in (("nonfinite", 2), ("relative_error", 0.2), ("top1_agreement", 0.9)):
        ran = {**RAN, "parity": {**RAN["parity"], metric: value}}
        said = half_precision({"nodes": []}, ran)
        assert said["safe"] is False
        assert said["reason"].startswith(f"{metric} {value:g} against float32, must be ")


def test_without_a_run_in_float32_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    inputs = dict.fromkeys(("artifact", "golden", "float32", "runtime"), tmp_path)
    run(inputs, HalfOptions(task=Purpose(name="tensors")), tmp_path)
    found = HalfProof(tmp_path).read()
    assert found["parity"] is None
    assert "did not run on tfjs-webgl@chromium" in found["reason"]


@pytest.mark.browser
def test_what_fails_in_float16_is_said_and_stops_nothing(tmp_path: Path) -> None:
    keep_first({"y": np.zeros((8, 2), np.float32)}, tmp_path)
    (tmp_path / "golden.json").write_text(json.dumps({"outputs": {"y": {"softmax": False}}}))
    save_file({"x": np.zeros((8, 2), np.float32)}, tmp_path / "inputs.safetensors")
    broken = dict.fromkeys(("float32", "golden", "artifact"), tmp_path)
    broken["runtime"] = bundles.make_in_process(FLOAT32.backend)
    described = {"format": "tfjs-graph", "variant": "fp32", "entry": "files/none.json", "files": []}
    signature = [{"name": "x", "dtype": "float32", "shape": [None, 2]}]
    described |= {"bytes": 0, "inputs": signature, "outputs": signature}
    (tmp_path / "artifact.json").write_text(json.dumps(described))
    kept = run(broken, HalfOptions(task=Purpose(name="tensors")), tmp_path)
    found = HalfProof(tmp_path).read()
    assert found["parity"] is None and found["reason"].startswith("it failed: ")
    assert kept is Keep.THIS_BUILD, "it may go well tomorrow"


def test_the_first_samples_are_kept(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    keep_first({"y": np.arange(40).reshape(20, 2)}, tmp_path)
    assert load_file(tmp_path / FIRST)["y"].tolist() == np.arange(16).reshape(8, 2).tolist()
