"""An ONNX model as it came: its artifact gives the source's outputs bit for bit."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx as onnx_
import onnx_networks as networks
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, external_data_helper, helper, numpy_helper
from onnx_models import apply_int8, run_in_chromium, write_samples
from onnx_to_tensorflow import model_of
from onnxruntime.quantization import CalibrationDataReader, quantize_static

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.proof import Portability
from pipeline.backends import onnxruntime_cpu
from pipeline.base.errors import PipelineError, SourceError
from pipeline.base.options import NoOptions
from pipeline.export import onnx as fmt
from pipeline.export.onnx import own
from pipeline.sources import onnx
from pipeline.sources.cut import CutOptions, cut
from pipeline.sources.load import load_own
from pipeline.sources.own import read
from pipeline.validate import portable

Feeds = dict[str, Any]


def taken(
    model: ModelProto, folder: Path, cutting: CutOptions | None = None, **options: Any
) -> Path:
    """An OWN folder, ``own``, beside the model's file and its SOURCE folder."""
    folder.mkdir(exist_ok=True)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    source = folder / "source"
    source.mkdir()
    chosen = onnx.Options(path=path, **options)
    onnx.pull(chosen.local_paths(), chosen, source)
    if cutting:
        whole = source.rename(folder / "whole")
        source.mkdir()
        cut({"source": whole}, cutting, source)
    (folder / "own").mkdir()
    read({"source": source}, NoOptions(), folder / "own")
    return folder / "own"


def converted(read_: Path, **options: Any) -> Path:
    """A CONVERTED folder beside an OWN one."""
    work = read_.parent / f"converted {len(list(read_.parent.iterdir()))}"
    work.mkdir()
    own.convert({"model": read_}, own.OwnOptions(**options), work)
    return work


def packaged(model: Path, **options: Any) -> Path:
    work = model.parent / f"artifact {len(list(model.parent.iterdir()))}"
    work.mkdir()
    fmt.package({"model": model}, fmt.PackageOptions(variant="v", **options), work)
    return work


def infer(artifact: Path, feeds: Feeds) -> dict[str, Any]:
    with onnxruntime_cpu.BACKEND.open_session(artifact) as session:
        return dict(session.infer(feeds))


def outputs(path: Path, feeds: Feeds, *, optimized: bool) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    found: list[Any] = onnxruntime.InferenceSession(path, options).run(None, feeds)
    return found


def same_bits(folder: Path, artifact: Path, feeds: Feeds, names: Feeds | None = None) -> None:
    """The source's file and an artifact, under the same options of onnxruntime."""
    entry = artifact / json.loads((artifact / "artifact.json").read_text())["entry"]
    public = {(names or {}).get(name, name): value for name, value in feeds.items()}
    for optimized in (False, True):
        wanted = outputs(folder / "model.onnx", feeds, optimized=optimized)
        for value, found in zip(wanted, outputs(entry, public, optimized=optimized), strict=True):
            np.testing.assert_array_equal(value, found, strict=True)


def tokens(length: int = 5) -> Feeds:
    return {"tokens": np.random.default_rng(0).integers(0, 40, (3, length))}


@pytest.mark.parametrize(
    "network",
    [networks.mobilenet, networks.resnet, networks.yolo, networks.encoder, networks.tagger],
)
def test_bit_for_bit(network: Any, tmp_path: Path) -> None:
    model = network()
    feeds = {"encoder": networks.tokens(6), "tagger": tokens()}.get(network.__name__)
    feeds = feeds or {model.graph.input[0].name: networks.image()}
    read_ = taken(model, tmp_path)
    plain = packaged(converted(read_))
    same_bits(tmp_path, plain, feeds)
    again = taken(network(), tmp_path / "again")
    assert (again / "model.onnx").read_bytes() == (read_ / "model.onnx").read_bytes()
    found = load_own(tmp_path / "source").reference.run(feeds)
    wanted = outputs(tmp_path / "model.onnx", feeds, optimized=False)
    np.testing.assert_array_equal(next(iter(found.values())), wanted[0], strict=True)
    small = packaged(converted(read_), codec="uint8")
    size = {
        folder: sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        for folder in (plain, small)
    }
    assert size[small] < 0.9 * size[plain]
    for name, value in infer(small, feeds).items():
        np.testing.assert_allclose(value, found[name], atol=0.05 * np.abs(found[name]).max())


def test_old_opsets_and_defaults_of_inputs(tmp_path: Path) -> None:
    """As exporters wrote in 2018: constants are inputs too, and attributes are not inputs yet."""
    random = np.random.default_rng(0)
    constants = {
        "w": random.normal(0, 1, (6, 2, 3, 3)).astype(np.float32),
        "scale": random.uniform(0.5, 2, 6).astype(np.float32),
        "mean": random.normal(0, 1, 6).astype(np.float32),
    }
    lines = [
        "a = Conv(x, w)",
        "b = BatchNormalization(a, scale, mean, mean, scale)",
        "c = Pad[pads=[0, 0, 1, 1, 0, 0, 1, 1]](b)",
        "d = MaxPool[kernel_shape=[2, 2], strides=[2, 2]](c)",
        "f = Flatten(d)",
        "g = MatMul(f, m)",
        "y = Softmax(g)",
    ]
    for opset in (7, 9, 12):
        x = random.normal(0, 1, (2, 2, 6, 6)).astype(np.float32)
        constants["m"] = random.normal(0, 1, (54 if opset < 11 else 24, 4)).astype(np.float32)
        chosen = [line for line in lines if opset < 11 or " Pad" not in line]
        chosen = [line.replace("](c)", "](b)") if opset > 10 else line for line in chosen]
        model = model_of(chosen, {"x": x}, constants, opset=opset, free=True)
        model.ir_version = 3
        for name, array in constants.items():
            value = helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
            model.graph.input.append(value)
        folder = tmp_path / str(opset)
        read_ = taken(model, folder)
        (spec,) = Frozen(read_).signature.inputs
        assert spec.shape == (None, 2, 6, 6)
        assert Frozen(read_).signature.outputs[0].softmax
        artifact = packaged(converted(read_))
        written = ConvertedOnnx(converted(read_)).outline()
        version = written.opset_import[0].version
        # As it loads a model, ONNX Runtime makes another one of padding before opset 11.
        assert (version, written.ir_version >= 4) == (13 if opset < 11 else opset, True)
        wanted = load_own(folder / "source").reference.run({"x": x})["y"]
        np.testing.assert_allclose(infer(artifact, {"x": x})["y"], wanted, atol=1e-6)
        entry = artifact / json.loads((artifact / "artifact.json").read_text())["entry"]
        np.testing.assert_array_equal(outputs(entry, {"x": x}, optimized=False)[0], wanted)
        newer = converted(read_, opset=13)
        assert ConvertedOnnx(newer).outline().opset_import[0].version == 13
        found = infer(packaged(newer), {"x": x})["y"]
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_what_a_release_has_no_use_for(tmp_path: Path) -> None:
    """A function, a sparse constant, texts, a transposed weight, a node that nothing needs."""
    random = np.random.default_rng(0)
    x, w = random.normal(0, 1, (2, 8)).astype(np.float32), random.normal(0, 1, (16, 8))
    lines = ["t = Transpose(w)", "a = MatMul(x, t)", "b = Twice(a)", "y = Add(b, s)", "u = Abs(a)"]
    model = model_of(lines, {"x": x}, {"w": w.astype(np.float32)}, outputs=["y"])
    body = [helper.make_node("Add", ["v", "v"], ["z"])]
    opsets = list(model.opset_import)
    model.functions.append(helper.make_function("own", "Twice", ["v"], ["z"], body, opsets))
    model.graph.node[2].domain = "own"
    model.opset_import.append(helper.make_opsetid("own", 1))
    values = numpy_helper.from_array(np.float32([3, 4]), "s")
    indices = numpy_helper.from_array(np.array([1, 5]))
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [16]))
    model.producer_name, model.doc_string = "/home/someone", "secret"
    model.graph.node[0].doc_string = model.graph.doc_string = "/home/someone/train.py"
    read_ = taken(model, tmp_path)
    written = ConvertedOnnx(read_).outline()
    assert [node.op_type for node in written.graph.node] == ["MatMul", "Add", "Add"]
    assert [item.domain for item in written.opset_import] == [""]
    content = (read_ / "model.onnx").read_bytes()
    assert b"someone" not in content
    assert b"secret" not in content
    assert Frozen(read_).parameters == 16 * 8 + 16
    same_bits(tmp_path, packaged(converted(read_)), {"x": x})


def test_names_cuts_and_fixed_inputs(tmp_path: Path) -> None:
    lines = ["a = Mul(in:0, k)", "b = Add(a, in:0)", "c/d = Relu(b)", "e = Unique(c/d)"]
    x = np.float32([[1, -2], [3, -4]])
    feeds = {"in:0": x, "k": np.float32([2, 2])}
    model = model_of(lines, feeds, {}, free=False, outputs=["c/d", "in:0", "e"])
    outputs_ = {"last": "c/d", "same": "c/d", "first": "in:0"}
    read_ = taken(model, tmp_path, CutOptions(outputs=outputs_, fixed={"k": 3.0}))
    signature = Frozen(read_).signature
    assert [(s.name, s.renamed_from) for s in signature.inputs] == [("in_0", "in:0")]
    assert [s.name for s in signature.outputs] == ["last", "same", "first"]
    found = infer(packaged(converted(read_)), {"in_0": x})
    relu = np.maximum(4 * x, 0)
    for name, wanted in {"last": relu, "same": relu, "first": x}.items():
        np.testing.assert_array_equal(found[name], wanted)
    reference = load_own(tmp_path / "source").reference.run({"in_0": x})
    np.testing.assert_array_equal(reference["same"], relu)
    whole = taken(model, tmp_path / "whole")
    names = [spec.name for spec in Frozen(whole).signature.outputs]
    assert names == ["c_d", "in_0_1", "e"]
    with pytest.raises(SourceError, match="no tensor or node 'c/e'; names like it are c/d"):
        taken(model, tmp_path / "wrong", CutOptions(outputs=["c/e"]))


def test_free_dimensions_by_name(tmp_path: Path) -> None:
    read_ = taken(networks.encoder(), tmp_path, dimensions={"sequence": 7})
    signature = Frozen(read_).signature
    assert [spec.shape for spec in signature.inputs] == [(None, 7), (None, 7)]
    assert signature.outputs[0].shape == (None, 7, 16)
    same_bits(tmp_path, packaged(converted(read_)), networks.tokens(7))


def test_other_floats_become_float32(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (2, 40)).astype(np.float16)
    w = random.normal(0, 1, (40, 12)).astype(np.float16)
    lines = ["a = MatMul(x, w)", "b = Cast[to=1](a)", "c = Cast[to=10](b)", "y = Add(c, a)"]
    read_ = taken(model_of(lines, {"x": x}, {"w": w}), tmp_path)
    signature = Frozen(read_).signature
    assert [spec.converted_from for spec in signature.inputs] == ["float16"]
    assert Frozen(read_).dtypes == ["float16"]
    feeds = {"x": x.astype(np.float32)}
    found = infer(packaged(converted(read_)), feeds)["y"]
    assert found.dtype == np.float32
    wanted = load_own(tmp_path / "source").reference.run(feeds)["y"]
    np.testing.assert_allclose(found, wanted, rtol=1e-2, atol=2e-2)
    exact = 2 * (feeds["x"] @ w.astype(np.float32))
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5)


def test_weights_in_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, w = (random.normal(0, 1, s).astype(np.float32) for s in ((2, 600), (600, 600)))
    model = model_of(["y = MatMul(x, w)"], {"x": x}, {"w": w})
    tensor = model.graph.initializer[0]
    (tmp_path / "w.bin").write_bytes(bytes(64) + w.tobytes())
    external_data_helper.set_external_data(tensor, "w.bin", 64, w.nbytes)
    tensor.ClearField("raw_data")
    read_ = taken(model, tmp_path)
    assert len(list((read_ / "large").iterdir())) == 1
    same_bits(tmp_path, packaged(converted(read_)), {"x": x})
    tensor.external_data[2].value = str(w.nbytes * 2)
    with pytest.raises(SourceError, match=r"w\.bin lacks the bytes of the constant 'w'"):
        (tmp_path / "short").mkdir()
        (tmp_path / "short" / "w.bin").write_bytes(bytes(64) + w.tobytes())
        taken(model, tmp_path / "short")


def test_control_flow_and_operators_of_onnxruntime(tmp_path: Path) -> None:
    """If, Loop, NonMaxSuppression and com.microsoft: what onnxruntime has, the artifact keeps."""
    branch = helper.make_graph(
        [helper.make_node("Add", ["g", "big"], ["t"])],
        "then",
        [],
        [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.arange(100, dtype=np.float32), "big")],
    )
    other = helper.make_graph(
        [helper.make_node("Neg", ["g"], ["t"])],
        "else",
        [],
        [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)],
    )
    lines = ["g = Gelu(x)", "m = ReduceMax[keepdims=0](x)", "p = Greater(m, zero)", "y = If(p)"]
    x = np.random.default_rng(0).normal(0, 1, (2, 100)).astype(np.float32)
    model = model_of(lines, {"x": x}, {"zero": np.float32(0)})
    model.graph.node[0].domain = "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.graph.node[3].attribute.extend(
        [helper.make_attribute("then_branch", branch), helper.make_attribute("else_branch", other)]
    )
    read_ = taken(model, tmp_path)
    for feeds in ({"x": x}, {"x": -np.abs(x)}):
        same_bits(tmp_path, packaged(converted(read_)), feeds)
    with pytest.raises(PipelineError, match="what stands within If is not converted"):
        converted(read_, opset=21)


def test_what_onnxruntime_does_not_take(tmp_path: Path) -> None:
    model = model_of(["y = Nothing(x)"], {"x": np.ones(2, np.float32)}, {})
    with pytest.raises(SourceError, match=r"onnxruntime does not take this model: .*Nothing"):
        taken(model, tmp_path)


def test_int8(tmp_path: Path) -> None:
    model = networks.mobilenet()
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", 12))
    read_ = taken(model, tmp_path)
    images = networks.image(count=8)
    samples = write_samples(tmp_path / "samples", input=images)
    usual = converted(read_, usual=True)
    operators = [node.op_type for node in ConvertedOnnx(usual).outline().graph.node]
    assert "BatchNormalization" not in operators
    quantized = apply_int8(usual, samples, tmp_path / "int8").parent
    found = infer(packaged(quantized), {"input": images})["output"]
    wanted = load_own(tmp_path / "source").reference.run({"input": images})["output"]
    assert np.abs(found - wanted).max() < 0.1 * np.abs(wanted).max()


class Images(CalibrationDataReader):
    """Of which the ranges of activations come."""

    def __init__(self) -> None:
        self.left = [{"input": networks.image(seed)} for seed in range(4)]

    def get_next(self) -> Feeds | None:
        return self.left.pop() if self.left else None


def test_a_model_with_integers_is_computed_in_float32(tmp_path: Path) -> None:
    """onnxruntime multiplies 8 bits in pairs that some processors cut off; a source with
    QuantizeLinear has its own answers, which are the same in float32 everywhere."""
    onnx_.save(networks.mobilenet(), tmp_path / "float.onnx")
    quantize_static(tmp_path / "float.onnx", tmp_path / "small.onnx", Images(), per_channel=True)
    read_ = taken(onnx_.load(tmp_path / "small.onnx"), tmp_path)
    operators = Counter(node.op_type for node in ConvertedOnnx(read_).outline().graph.node)
    assert operators["DequantizeLinear"] == operators["QuantizeLinear"] > 8
    artifact = packaged(converted(read_))
    (tmp_path / "check").mkdir()
    portable.check({"artifact": artifact}, NoOptions(), tmp_path / "check")
    assert json.loads((tmp_path / "check" / Portability.FILE).read_text())["portable"]
    feeds = {"input": networks.image()}
    wanted = load_own(tmp_path / "source").reference.run(feeds)["output"]
    np.testing.assert_allclose(infer(artifact, feeds)["output"], wanted, atol=1e-5)


def test_in_a_browser(tmp_path: Path) -> None:
    read_ = taken(networks.tagger(), tmp_path)
    found = run_in_chromium(converted(read_), tmp_path / "artifact", **tokens())
    wanted = load_own(tmp_path / "source").reference.run(tokens())
    np.testing.assert_allclose(found["tags"], wanted["tags"], atol=1e-6)
