"""Half precision where it holds the values, float32 where it does not, and never wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import run, run_in_chromium, write_model, write_samples

from pipeline.backends.session import Unavailable
from pipeline.backends.web.backends import BACKENDS
from pipeline.base.errors import ConfigError
from pipeline.optimize import float16_compute

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(0, 1, (8, 3, 8, 8)).astype(np.float32)
HALF, SINGLE = TensorProto.FLOAT16, TensorProto.FLOAT


def kernel(*shape: int) -> Any:
    return RANDOM.normal(0, 0.2, shape).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutions; between them values are squared, far beyond float16, and shrunk again."""
    nodes = [
        helper.make_node("Conv", ["image", "w0"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["c", "thousand"], ["large"]),
        helper.make_node("Mul", ["large", "large"], ["square"]),
        helper.make_node("Sqrt", ["square"], ["root"]),
        helper.make_node("Mul", ["root", "thousandth"], ["small"]),
        helper.make_node("Resize", ["small", "", "sizes"], ["wide"], mode="nearest"),
        helper.make_node("Conv", ["wide", "w1"], ["y"]),
    ]
    return write_model(
        tmp_path_factory.mktemp("model") / "m",
        nodes,
        [("image", "float32", (None, 3, 8, 8))],
        [("y", "float32", (None, 4, 16, 16))],
        w0=kernel(6, 3, 3, 3),
        w1=kernel(4, 6, 1, 1),
        thousand=np.float32(1000),
        thousandth=np.float32(0.001),
        sizes=np.float32([1, 1, 2, 2]),
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("samples") / "s", image=IMAGES)


def apply(model: Path, samples: Path, work: Path, **options: Any) -> Path:
    work.mkdir(exist_ok=True)
    chosen = float16_compute.Options(**options)
    float16_compute.apply({"model": model, "samples": samples}, chosen, work)
    return work / "model.onnx"


def kinds(path: Path) -> dict[str, set[int]]:
    """Node -> the float types of what it reads and makes."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True).graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.value_info)}
    types |= {t.name: t.data_type for t in graph.initializer}
    types |= {v.name: v.type.tensor_type.elem_type for v in graph.output}
    return {
        node.name: {types[name] for name in (*node.input, *node.output) if name} & {HALF, SINGLE}
        for node in graph.node
        if node.op_type != "Cast"
    }


def test_what_float16_cannot_hold_never_passes_through_it(
    model: Path, samples: Path, tmp_path: Path
) -> None:
    path = apply(model, samples, tmp_path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    kept = json.loads((tmp_path / "float32.json").read_text())
    assert set(kept) == {"Mul_1", "Sqrt_0"}
    assert "reaches" in kept["Mul_1"]
    found = kinds(path)
    assert found["Mul_1"] == found["Sqrt_0"] == {SINGLE}
    assert found["Conv_0"] == found["Conv_1"] == found["Mul_0"] == {HALF}
    makers = {name: node for node in onnx.load(path).graph.node for name in node.output}
    root = next(node for node in makers.values() if node.op_type == "Sqrt")
    assert makers[root.input[0]].op_type == "Mul"
    wanted, given = run(model / "model.onnx", image=IMAGES)[0], run(path, image=IMAGES)[0]
    assert given.dtype == np.float32
    assert np.abs(given - wanted).max() < 0.01 * np.ptp(wanted)


def test_weights_and_activations_are_float16_between_float32_ends(
    model: Path, samples: Path, tmp_path: Path
) -> None:
    graph = onnx.load(apply(model, samples, tmp_path)).graph
    assert {v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)} == {SINGLE}
    assert {t.data_type for t in graph.initializer if len(t.dims) == 4} == {HALF}
    assert graph.node[0].op_type == graph.node[-1].op_type == "Cast"


def test_what_is_too_small_for_it_stays_in_float32_too(samples: Path, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"]),
        helper.make_node("Mul", ["c", "million"], ["y"]),
    ]
    ends = [("image", "float32", (None, 3, 8, 8))], [("y", "float32", (None, 4, 8, 8))]
    constants = {"w": kernel(4, 3, 1, 1) * np.float32(1e-6), "million": np.float32(1e6)}
    model = write_model(tmp_path / "model", nodes, *ends, **constants)
    path = apply(model, samples, tmp_path / "work")
    kept = json.loads((tmp_path / "work" / "float32.json").read_text())
    assert kept["Conv_0"].endswith("has values too small for it")
    wanted = run(model / "model.onnx", image=IMAGES)[0]
    assert np.abs(run(path, image=IMAGES)[0] - wanted).max() < 1e-5 * np.ptp(wanted)


def test_sums_behind_a_mean_count(tmp_path: Path) -> None:
    model = write_model(
        tmp_path / "model",
        [helper.make_node("GlobalAveragePool", ["image"], ["y"])],
        [("image", "float32", (None, 1, 300, 300))],
        [("y", "float32", (None, 1, 1, 1))],
    )
    images = np.full((2, 1, 300, 300), 2, np.float32)
    apply(model, write_samples(tmp_path / "samples", image=images), tmp_path / "work")
    assert "1.8e+05" in (tmp_path / "work" / "float32.json").read_text()


def test_nodes_can_be_kept(model: Path, samples: Path, tmp_path: Path) -> None:
    assert kinds(apply(model, samples, tmp_path, keep=["Conv"]))["Conv_1"] == {SINGLE}
    with pytest.raises(ConfigError, match="no node or operator Conv_9"):
        apply(model, samples, tmp_path, keep=["Conv_9"])


@pytest.mark.browser
def test_in_chromium_it_is_right_or_unavailable(model: Path, samples: Path, tmp_path: Path) -> None:
    wanted = run(apply(model, samples, tmp_path), image=IMAGES)[0]
    found = run_in_chromium(tmp_path, tmp_path / "artifact", image=IMAGES)["y"]
    np.testing.assert_allclose(found, wanted, atol=0.005 * np.ptp(wanted))
    try:
        with BACKENDS["ort-webgpu"].open_session(tmp_path / "artifact", "chromium") as session:
            found = session.infer({"image": IMAGES})["y"]
    except Unavailable as error:
        assert "shader-f16" in str(error) or "WebGPU" in str(error)
    else:
        np.testing.assert_allclose(found, wanted, atol=0.02 * np.ptp(wanted))
