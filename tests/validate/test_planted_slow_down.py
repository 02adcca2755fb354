"""Timings of real onnxruntime on this machine, whatever else runs on it meanwhile."""

from __future__ import annotations

import shutil
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.backends.onnxruntime_cpu import OnnxruntimeSession
from pipeline.measures.latency import summary, time_until_narrow
from pipeline.tensors.signature import Signature, TensorSpec
from pipeline.validate.regress import compare

RELEASES = 200
SLOWER = 0.2
PLANTED = "planted"
SHAPE = (1, 16, 48, 48)


class Slower(OnnxruntimeSession):
    """An artifact that takes a fifth longer than it did; its reference does not."""

    def _run(self, inputs: Any) -> dict[str, Any]:
        start = perf_counter()
        outputs = super()._run(inputs)
        if PLANTED in self._entry.parts:
            until = perf_counter() + SLOWER * (perf_counter() - start)
            while perf_counter() < until:
                pass
        return outputs


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three convolutions: about half a millisecond."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.1, (16, 16, 3, 3)).astype(np.float32) for _ in range(3)]
    names = list(zip("xab", "aby", strict=True))
    nodes = [
        helper.make_node("Conv", [given, f"w{i}"], [made], pads=[1, 1, 1, 1])
        for i, (given, made) in enumerate(names)
    ]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, SHAPE) for n in "xy")
    kernels = [numpy_helper.from_array(values, f"w{i}") for i, values in enumerate(weights)]
    graph = helper.make_graph(nodes, "g", [x], [y], kernels)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder = tmp_path_factory.mktemp("artifact")
    signature = Signature(*((TensorSpec(name, "float32", SHAPE),) for name in "xy"))
    writer = ArtifactWriter(folder, "onnx", "fp32", signature)
    writer.finish(writer.add_file(model.SerializeToString(), "onnx"))
    return folder


@pytest.fixture(scope="module")
def planted(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp(PLANTED) / PLANTED
    shutil.copytree(artifact, copy)
    return copy


def release(given: Path, reference: Path) -> dict[str, Any]:
    """What of a manifest speed is judged by: an artifact timed in turn with its reference."""
    inputs = {"x": np.ones(SHAPE, np.float32)}
    with Slower(given) as session:
        time = partial(session.latency, inputs, reference=reference, warmups=3)
        latency = time_until_narrow(time, 20, seconds=0.0)
        proof = {
            "target": "onnxruntime-cpu",
            "status": "pass",
            "hardware": {"kind": "cpu", "name": session.hardware.name},
            "parity": {"relative_error": 0.0, "nonfinite": 0},
            "accuracy": None,
            "latency": summary(session.load_ms, latency, "onnx/fp32"),
        }
    return {"artifacts": [{"id": "onnx/x", "bytes": 1, "validation": [proof]}]}


def ratios(releases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [made["artifacts"][0]["validation"][0]["latency"]["ratio"] for made in releases]


def test_an_unchanged_artifact_raises_few_alarms_and_a_slower_one_does(
    artifact: Path, planted: Path
) -> None:
    unchanged = [release(artifact, artifact) for _ in range(RELEASES)]
    slower = [release(planted, artifact) for _ in range(RELEASES // 10)]

    alarms = sum(bool(compare(*pair)) for pair in pairwise(unchanged))
    slower_than_itself = sum(one["low"] > 1 for one in ratios(unchanged))
    assert alarms <= 0.05 * RELEASES
    assert slower_than_itself <= 0.05 * RELEASES

    found = [compare(was, now) for was, now in zip(unchanged, slower, strict=False)]
    assert [len(regressions) for regressions in found].count(1) >= 0.95 * len(slower)
    assert {one.metric for regressions in found for one in regressions} == {"latency_ratio"}
    assert np.median([one["value"] for one in ratios(slower)]) == pytest.approx(1.2, abs=0.05)
