"""Artifacts that do not run somewhere: one failed proof with its reason, not the build's end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import WIDTH, einsum, tiled
from nightly import nightly
from safetensors.numpy import save_file

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.backends.targets import Target
from pipeline.backends.web import session
from pipeline.engine.step import Keep
from pipeline.tasks.find import Purpose
from pipeline.tensors.signature import Signature, TensorSpec
from pipeline.validate.measure import MeasureOptions, measure

pytestmark = pytest.mark.browser

#: The largest texture of a rasterizer without a GPU is 8192 x 8192; this many need 9220 x 9220.
TOO_MANY = 9220**2
#: Samples of a batch that together need as many.
BATCH = 64


def samples(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=(count, WIDTH)).astype("float32")


def golden(folder: Path, inputs: np.ndarray[Any, Any], outputs: np.ndarray[Any, Any]) -> Path:
    """A GOLDEN folder without a canary."""
    folder.mkdir()
    save_file({"x": inputs}, folder / "inputs.safetensors")
    save_file({"y": outputs.astype("float32")}, folder / "outputs.safetensors")
    facts = {"count": len(inputs), "outputs": {"y": {"softmax": False}}, "accuracy": None}
    (folder / "golden.json").write_text(json.dumps(facts))
    (folder / "canary.json").write_text(json.dumps({"reason": "none is made here"}))
    return folder


NATIVE = Target("onnxruntime-cpu", None)


def one_by_one(folder: Path, rows: int = 1) -> Path:
    """An ONNX artifact that says to take any batch, and takes one of so many rows."""
    from onnx import TensorProto, helper, numpy_helper

    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, WIDTH]) for n in "xy")
    shape = numpy_helper.from_array(np.array([rows, WIDTH]), "shape")
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    graph = helper.make_graph([node], "g", [x], [y], [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    specs = (
        (TensorSpec("x", "float32", (None, WIDTH)),),
        (TensorSpec("y", "float32", (None, WIDTH)),),
    )
    folder.mkdir()
    writer = ArtifactWriter(folder, "onnx", "fp32", Signature(*specs))
    writer.finish(writer.add_file(model.SerializeToString(), "onnx"))
    return folder


def too_large(folder: Path) -> Path:
    """An ONNX artifact that needs 200 MB for one tensor."""
    from onnx import TensorProto, helper, numpy_helper

    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
        for name, width in (("x", WIDTH), ("y", 1))
    )
    times = numpy_helper.from_array(np.array([1, 50_000_000 // WIDTH]), "times")
    nodes = [
        helper.make_node("Tile", ["x", "times"], ["tiled"]),
        helper.make_node("ReduceMean", ["tiled"], ["y"], axes=[1]),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y], [times])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    specs = (TensorSpec("x", "float32", (None, WIDTH)),), (TensorSpec("y", "float32", (None, 1)),)
    folder.mkdir()
    writer = ArtifactWriter(folder, "onnx", "fp32", Signature(*specs))
    writer.finish(writer.add_file(model.SerializeToString(), "onnx"))
    return folder


def prove(
    artifact: Path, known: Path, target: Target, work: Path
) -> tuple[Keep | None, dict[str, Any]]:
    work.mkdir(exist_ok=True)
    options = MeasureOptions(
        backend=target.backend,
        engine=target.engine,
        required=target.required,
        task=Purpose(name="tensors"),
        repeats=2,
    )
    keep = measure({"artifact": artifact, "golden": known}, options, work)
    result: dict[str, Any] = json.loads((work / "result.json").read_text())
    return keep, result


def test_a_texture_over_the_limit_fails_with_what_it_needs(tmp_path: Path) -> None:
    inputs = samples(2)
    known = golden(tmp_path / "golden", inputs, inputs.mean(axis=1, keepdims=True))
    artifact = tiled(tmp_path / "artifact", TOO_MANY)
    keep, result = prove(artifact, known, Target("tfjs-webgl", "chromium"), tmp_path / "work")
    assert (result["status"], keep) == ("fail", Keep.ALWAYS)
    assert result["reason"] == (
        "a tensor needs a texture of 9220x9220, and WebGL has none over 8192x8192 here"
    )
    assert "leave this backend out of validate.backends" in result["todo"]


def test_what_only_a_batch_is_too_large_for_runs_as_pages_run_it(tmp_path: Path) -> None:
    inputs = samples(BATCH)
    artifact = tiled(tmp_path / "artifact", TOO_MANY // BATCH)
    with Target("tfjs-webgl", "chromium").open(artifact) as opened:
        outputs = opened.infer({"x": inputs})
        reason = opened.batch_failure
    assert reason and reason.startswith("a tensor needs a texture of 9220x9220")
    np.testing.assert_allclose(outputs["y"], inputs.mean(axis=1, keepdims=True), atol=1e-5)


def test_a_proof_says_that_it_ran_sample_by_sample(tmp_path: Path) -> None:
    inputs = samples(4)
    known = golden(tmp_path / "golden", inputs, inputs)
    keep, result = prove(one_by_one(tmp_path / "artifact"), known, NATIVE, tmp_path / "work")
    assert (result["status"], keep) == ("measured", Keep.ALWAYS)
    assert result["parity"]["max_abs_error"] == 0
    assert "cannot be reshaped" in result["single_samples"]


def test_a_node_that_a_native_backend_refuses_is_a_failed_proof(tmp_path: Path) -> None:
    inputs = samples(4)
    known = golden(tmp_path / "golden", inputs, inputs)
    artifact = one_by_one(tmp_path / "artifact", rows=3)
    keep, result = prove(artifact, known, NATIVE, tmp_path / "work")
    assert (result["status"], keep) == ("fail", Keep.ALWAYS)
    assert "cannot be reshaped" in result["reason"] and str(tmp_path) not in result["reason"]


#: A WebAssembly that gets no more memory than it begins with.
SHORT = "WebAssembly.Memory.prototype.grow = () => { throw new RangeError('no more'); };"


@pytest.mark.parametrize(("required", "status"), [(False, "unavailable"), (True, "fail")])
def test_where_memory_is_short_nothing_is_known(
    required: bool, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser: Any = session.running("chromium").browser
    new_context = browser._browser.new_context

    def short() -> Any:
        context = new_context()
        context.add_init_script(SHORT)
        return context

    monkeypatch.setattr(browser._browser, "new_context", short)
    inputs = samples(2)
    known = golden(tmp_path / "golden", inputs, inputs.mean(axis=1, keepdims=True))
    target = Target("ort-wasm", "chromium", required)
    keep, result = prove(too_large(tmp_path / "artifact"), known, target, tmp_path / "work")
    assert (result["status"], keep) == (status, Keep.THIS_BUILD), result["reason"]
    assert result["reason"].startswith("there was not enough memory: ")
    assert result["todo"].startswith("make the model smaller or free memory")


def test_a_kernel_that_is_missing_fails_where_it_is(tmp_path: Path) -> None:
    inputs = samples(4)
    weights = np.linspace(-1, 1, 2 * WIDTH).reshape(WIDTH, 2)
    known = golden(tmp_path / "golden", inputs, inputs @ weights)
    artifact = einsum(tmp_path / "artifact")
    keep, result = prove(artifact, known, Target("tfjs-wasm", "chromium"), tmp_path / "wasm")
    assert (result["status"], keep) == ("fail", Keep.ALWAYS), "it would always be missing"
    assert result["reason"] == "TF.js has no kernel for Einsum on its wasm backend"
    assert result["todo"].startswith("take another operator than Einsum")
    _, result = prove(artifact, known, Target("tfjs-webgl", "chromium"), tmp_path / "webgl")
    assert result["status"] == "measured"


#: Loses the page's WebGL contexts once so much was drawn.
LOSE = """
const { getContext } = OffscreenCanvas.prototype;
OffscreenCanvas.prototype.getContext = function (...all) {
  const gl = getContext.apply(this, all);
  if (gl?.drawElements && !gl.counted) {
    const { drawElements } = gl;
    gl.counted = 0;
    gl.drawElements = (...drawn) => {
      if (++gl.counted === 5) gl.getExtension('WEBGL_lose_context').loseContext();
      drawElements.apply(gl, drawn);
    };
  }
  return gl;
};
"""


@pytest.mark.parametrize("pages", [1, nightly(10)])
def test_a_lost_context_is_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """Of so many pages each loses its context: of the first one only, or of every one."""
    inputs = samples(4)
    known = golden(tmp_path / "golden", inputs, inputs.mean(axis=1, keepdims=True))
    artifact = tiled(tmp_path / "artifact", 4 * WIDTH)
    browser: Any = session.running("chromium").browser
    opened, new_context = [], browser._browser.new_context

    def losing() -> Any:
        opened.append(new_context())
        if len(opened) <= pages:
            opened[-1].add_init_script(LOSE)
        return opened[-1]

    monkeypatch.setattr(session.running("chromium").browser, "alive", lambda: True)
    monkeypatch.setattr(browser._browser, "new_context", losing)
    keep, result = prove(artifact, known, Target("tfjs-webgl", "chromium"), tmp_path / "work")
    if pages == 1:
        assert (result["status"], keep) == ("measured", Keep.ALWAYS)
        return
    assert (result["status"], keep) == ("fail", Keep.THIS_BUILD), "it may do better tomorrow"
    assert result["reason"] == "the WebGL context was lost"
    assert "build again" in result["todo"]
    assert len(opened) == 2, "and no more"
