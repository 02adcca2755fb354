"""What TF.js computes wrongly is known before it runs; and it still does so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run, tfjs_artifact

from pipeline.backends.faults import explain_fault
from pipeline.backends.targets import Target
from pipeline.base.errors import PipelineError
from pipeline.tensors.signature import TensorSpec

WEBGPU = Target("tfjs-webgpu", "chromium")
SHAPE = (1, 4, 4, 4, 4)


def graph(operator: str, rows: list[int]) -> dict[str, Any]:
    nodes = [{"name": "y", "op": operator, "input": ["x", "rows", "more"]}]
    spec = {"name": "rows", "shape": rows, "dtype": "int32"}
    topology = {"node": nodes}
    manifest = [{"weights": [spec]}]
    return {"format": "graph-model", "modelTopology": topology, "weightsManifest": manifest}


def test_a_backend_that_gives_wrong_numbers_is_named_with_the_place() -> None:
    assert explain_fault(graph("PadV2", [5, 2]), "tfjs-webgpu") == (
        "TF.js computes PadV2 of more than 4 axes wrongly on its webgpu backend, as at y"
    )
    assert explain_fault(graph("SpaceToBatchND", [3]), "tfjs-webgpu")
    assert explain_fault(graph("PadV2", [4, 2]), "tfjs-webgpu") == ""
    assert explain_fault(graph("SpaceToBatchND", [2]), "tfjs-webgpu") == ""
    assert explain_fault(graph("PadV2", [5, 2]), "tfjs-wasm") == ""
    assert explain_fault({"format": "layers-model", "modelTopology": {}}, "tfjs-webgpu") == ""


def pads(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {"y": tf.pad(x, [[0, 0], *[[1, 1]] * 4])}


def mirrors(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {"y": tf.pad(x, [[0, 0], *[[1, 1]] * 4], "REFLECT")}


def blocks(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {"y": tf.space_to_batch(x, [2, 2, 2], [[0, 0]] * 3)}


def tiles(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    # What comes from the page, or is computed of little, is not on the GPU yet.
    return {"y": tf.tile(tf.matmul(x, x), [1, 2, 2, 2, 2])}


@pytest.mark.browser
@pytest.mark.nightly
@pytest.mark.parametrize("function", [pads, mirrors, blocks, tiles])
def test_it_is_still_wrong(function: Any, tmp_path: Path) -> None:
    frozen = freeze(function, [TensorSpec("x", "float32", SHAPE)], tmp_path / "frozen")
    _, artifact = tfjs_artifact(frozen, tmp_path)
    assert "wrongly on its webgpu backend" in WEBGPU.why_not(artifact)
    x = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    try:
        with WEBGPU.open(artifact) as session:
            outputs = session.infer({"x": x})
    except PipelineError:
        return
    assert not np.allclose(outputs["y"], run(frozen, {"x": x})["y"])
