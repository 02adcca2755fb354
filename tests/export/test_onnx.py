from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import frozen_models
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.errors import PipelineError
from pipeline.export import onnx as fmt
from pipeline.export.onnx_canonical import canonicalize
from pipeline.export.onnx_fold import fold
from pipeline.model import Signature, TensorSpec
from pipeline.optimize import float16, uint8, uint16
from pipeline.optimize.codec import decode

RANDOM = np.random.default_rng(0)
FEEDS = {
    "mobilenet": {"image": RANDOM.uniform(-1, 1, (3, 16, 16, 3)).astype(np.float32)},
    "several": {
        "tokens": RANDOM.integers(0, 20, (3, 5)).astype(np.int32),
        "bias": RANDOM.normal(0, 1, 8).astype(np.float32),
    },
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """frozen/{mobilenet,several} and, for each, onnx/{mobilenet,several}."""
    folder = tmp_path_factory.mktemp("models")
    for name in FEEDS:
        frozen = getattr(frozen_models, name)(folder / "frozen" / name)
        work = folder / "onnx" / name
        work.mkdir(parents=True)
        fmt.convert({"frozen": frozen}, fmt.ConvertOptions(), work)
    return folder


def run(model, feeds):
    session = onnxruntime.InferenceSession(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def sizes(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize("name", FEEDS)
def test_it_computes_what_tensorflow_computes(models, name):
    wanted = frozen_models.run(models / "frozen" / name, FEEDS[name])
    found = run(models / "onnx" / name / "model.onnx", FEEDS[name])
    assert list(found) == [
        spec.name for spec in Signature.read(models / "onnx" / name / "signature.json").outputs
    ]
    for key, values in wanted.items():
        assert found[key].dtype == values.dtype
        assert found[key].shape == values.shape
        np.testing.assert_allclose(found[key], values, atol=1e-5)
    assert np.ptp(wanted[next(iter(wanted))]) > 0.1


def test_both_branches_are_right(models):
    feeds = {**FEEDS["several"], "bias": -FEEDS["several"]["bias"]}
    wanted = frozen_models.run(models / "frozen" / "several", feeds)
    found = run(models / "onnx" / "several" / "model.onnx", feeds)
    np.testing.assert_allclose(found["states"], wanted["states"], atol=1e-5)


def test_inputs_and_outputs_keep_names_dtypes_layout_and_free_batch(models):
    graph = onnx.load(models / "onnx" / "several" / "model.onnx").graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)}
    assert types == {
        "tokens": TensorProto.INT32,
        "bias": TensorProto.FLOAT,
        "best": TensorProto.INT64,
        "positive": TensorProto.BOOL,
        "states": TensorProto.FLOAT,
    }
    assert [sizes(value) for value in graph.input] == [["batch", 5], [8]]
    image = onnx.load(models / "onnx" / "mobilenet" / "model.onnx").graph.input[0]
    assert (image.name, sizes(image)) == ("image", ["batch", 16, 16, 3])


def test_batch_norms_and_padding_are_folded_into_convolutions(models):
    graph = onnx.load(models / "onnx" / "mobilenet" / "model.onnx").graph
    operators = {node.op_type for node in graph.node}
    assert not operators & {"Mul", "Add", "Sub", "BatchNormalization", "Pad", "Identity"}
    assert [node.name for node in graph.node if node.op_type == "Conv"] == [
        f"Conv_{i}" for i in range(6)
    ]


def test_two_processes_with_other_hash_seeds_give_the_same_bytes(models):
    script = Path(frozen_models.__file__)
    root = Path(fmt.__file__).parents[2]
    processes = [
        subprocess.Popen(
            [sys.executable, script, models, seed],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
        )
        for seed in ("1", "2")
    ]
    assert [process.wait() for process in processes] == [0, 0]
    for name in FEEDS:
        contents = {
            (models / run_ / name / "model.onnx").read_bytes() for run_ in ("onnx", "1", "2")
        }
        assert len(contents) == 1, name


def test_opset_21(models, tmp_path):
    frozen = models / "frozen" / "mobilenet"
    fmt.convert({"frozen": frozen}, fmt.ConvertOptions(opset=21), tmp_path)
    wanted = frozen_models.run(frozen, FEEDS["mobilenet"])["probabilities"]
    found = run(tmp_path / "model.onnx", FEEDS["mobilenet"])["probabilities"]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    package(tmp_path, tmp_path / "artifact", codec="uint16")
    found = run(entry(tmp_path / "artifact"), FEEDS["mobilenet"])["probabilities"]
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_what_tf2onnx_cannot_convert_is_an_error_with_its_name(tmp_path):
    import tensorflow as tf

    frozen = frozen_models.freeze(
        lambda x: {"y": tf.linalg.inv(x)}, [TensorSpec("x", "float32", (2, 2))], tmp_path / "f"
    )
    with pytest.raises(PipelineError, match="operators that ONNX does not have: MatrixInverse"):
        fmt.convert({"frozen": frozen}, fmt.ConvertOptions(), tmp_path)


# Packages


def package(model, work, **options):
    work.mkdir(parents=True, exist_ok=True)
    fmt.package({"model": model}, fmt.PackageOptions(variant="v", **options), work)
    return json.loads((work / "artifact.json").read_text())


def entry(artifact):
    return artifact / json.loads((artifact / "artifact.json").read_text())["entry"]


def test_weights_lie_in_shards_named_by_their_digest(models, tmp_path):
    description = package(models / "onnx" / "mobilenet", tmp_path, shard_bytes=1500)
    paths = [tmp_path / file["path"] for file in description["files"]]
    for path in paths:
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
    shards = [path.stat().st_size for path in paths if path.suffix == ".bin"]
    # The 16 -> 32 convolution has 2048 bytes: no tensor is cut, so it has a file of its own.
    assert len(shards) > 3
    assert sorted(shards)[-1] == 2048
    assert all(size <= 1500 for size in shards if size != 2048)
    single = run(models / "onnx" / "mobilenet" / "model.onnx", FEEDS["mobilenet"])
    sharded = run(entry(tmp_path), FEEDS["mobilenet"])
    np.testing.assert_array_equal(sharded["probabilities"], single["probabilities"])


def test_external_data_lies_beside_the_graph_and_is_aligned(models, tmp_path):
    package(models / "onnx" / "mobilenet", tmp_path)
    graph = onnx.load(entry(tmp_path), load_external_data=False).graph
    outside = [tensor for tensor in graph.initializer if tensor.external_data]
    assert outside
    for tensor in outside:
        where = {item.key: item.value for item in tensor.external_data}
        assert "/" not in where["location"]
        assert int(where["offset"]) % 64 == 0
    inside = [tensor for tensor in graph.initializer if not tensor.external_data]
    assert all(len(tensor.raw_data) < 256 for tensor in inside)


@pytest.mark.parametrize("codec", [float16, uint8])
def test_a_codec_decodes_to_what_it_says(models, tmp_path, codec):
    name = codec.__name__.rpartition(".")[2]
    package(models / "onnx" / "mobilenet", tmp_path, codec=name)
    model = onnx.load(models / "onnx" / "mobilenet" / "model.onnx")
    encoded = 0
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim == 4 and values.size >= 256:
            decoded = decode(codec.encode(values, 0), 0)
            tensor.CopyFrom(numpy_helper.from_array(decoded, tensor.name))
            encoded += 1
    wanted = run(model.SerializeToString(), FEEDS["mobilenet"])["probabilities"]
    found = run(entry(tmp_path), FEEDS["mobilenet"])["probabilities"]
    assert encoded == 3
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_uint8_weights_have_one_scale_for_each_channel(models, tmp_path):
    package(models / "onnx" / "mobilenet", tmp_path, codec="uint8")
    graph = onnx.load(entry(tmp_path)).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    decoders = [node for node in graph.node if node.op_type == "DequantizeLinear"]
    assert decoders
    for node in decoders:
        data, scale, zero = (tensors[name] for name in node.input)
        assert data.data_type == zero.data_type == TensorProto.UINT8
        assert list(scale.dims) == list(zero.dims) == [data.dims[0]]


def test_embeddings_are_encoded_and_integers_are_not(models, tmp_path):
    package(models / "onnx" / "several", tmp_path, codec="float16")
    model = onnx.load(entry(tmp_path))
    assert not any(t.data_type == TensorProto.FLOAT16 for t in model.graph.initializer)
    wide = graph_model("x", "y", ["y = Gather(table, x)"], table=RANDOM.normal(0, 1, (99, 8)))
    folder = converted(wide, [("x", "int64", (None,))], [("y", "float32", (None, 8))], tmp_path)
    package(folder, tmp_path / "artifact", codec="float16")
    graph = onnx.load(entry(tmp_path / "artifact")).graph
    assert [node.op_type for node in graph.node] == ["Cast", "Gather"]


def test_what_the_opset_cannot_hold_is_said():
    reason = fmt.cannot_hold("uint16", fmt.Options(opset=17))
    assert reason == (
        "ONNX has uint16 weights since opset 21, and the opset here is 17; "
        "set export.onnx.opset: 21"
    )
    assert fmt.cannot_hold("uint16", fmt.Options(opset=21)) is None
    assert fmt.cannot_hold("uint8", fmt.Options()) is None


def test_uint16_weights_in_an_old_opset_are_refused(models, tmp_path):
    with pytest.raises(PipelineError, match="since opset 21, and this is 17"):
        package(models / "onnx" / "mobilenet", tmp_path, codec="uint16")


# The canonical spelling, and folding


def graph_model(inputs, outputs, lines, opset=17, **constants):
    """A model from lines such as ``y = Relu(x)``; attributes as ``Conv[pads=[1, 1]](x, w)``."""
    kinds = {"x": TensorProto.FLOAT if "Gather" not in " ".join(lines) else TensorProto.INT64}
    tensors = [
        numpy_helper.from_array(v.astype(np.float32) if v.dtype.kind == "f" else v, name)
        for name, v in constants.items()
    ]
    nodes = []
    for line in lines:
        result, call = line.split(" = ")
        head, arguments = call.rstrip(")").split("(")
        operator, _, attributes = head.rstrip("]").partition("[")
        settings = eval(f"dict({attributes})")
        nodes.append(
            helper.make_node(operator, arguments.split(", "), result.split(", "), **settings)
        )
    values = [
        [
            helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), None)
            for n in names.split()
        ]
        for names in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "g", *values, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def signature(inputs, outputs):
    return Signature(
        tuple(TensorSpec(*spec) for spec in inputs), tuple(TensorSpec(*spec) for spec in outputs)
    )


def converted(model, inputs, outputs, folder):
    spelled = canonicalize(model, signature(inputs, outputs))
    target = folder / "converted"
    target.mkdir()
    fmt.write(spelled, signature(inputs, outputs), target)
    return target


IMAGE = [("x", "float32", (None, 4, 6, 6))]
RESULT = [("y", "float32", (None, 8, 6, 6))]
KERNEL = RANDOM.normal(0, 1, (8, 4, 3, 3))
SAME = "Conv[pads=[1, 1, 1, 1]]"


def test_names_and_order_of_the_source_leave_no_trace():
    one = graph_model(
        "x",
        "y z",
        ["a = Relu(x)", "b = Abs(x)", "y = Add(a, b)", "z = Mul(b, two)"],
        two=np.ones(1),
    )
    other = graph_model(
        "x",
        "z y",
        ["q = Abs(x)", "dead = Neg(x)", "p = Relu(x)", "z = Mul(q, c)", "y = Add(p, q)"],
        c=np.ones(1),
        unused=np.ones(9),
    )
    other.producer_name, other.doc_string, other.graph.node[0].doc_string = "p", "d", "e"
    other.opset_import.add(domain="ai.onnx.ml", version=2)
    public = signature([("x", "float32", (3,))], [("y", "float32", (3,)), ("z", "float32", (3,))])
    spelled = [canonicalize(model, public) for model in (one, other)]
    assert spelled[0].SerializeToString() == spelled[1].SerializeToString()
    assert [node.name for node in spelled[0].graph.node] == ["Relu_0", "Abs_0", "Add_0", "Mul_0"]
    assert [output.name for output in spelled[0].graph.output] == ["y", "z"]


def test_equal_constants_are_kept_once_and_never_take_a_public_name():
    model = graph_model(
        "Mul_0", "y", ["a = Mul(Mul_0, p)", "y = Mul(a, q)"], p=np.ones(2), q=np.ones(2)
    )
    public = signature([("Mul_0", "float32", (2,))], [("y", "float32", (2,))])
    graph = canonicalize(model, public).graph
    assert [tensor.name for tensor in graph.initializer] == ["Mul_1.in1"]
    onnx.checker.check_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))


def test_an_unused_input_stays():
    model = graph_model("x", "y", ["y = Relu(x)"])
    public = signature(
        [("x", "float32", (2,)), ("mask", "bool", (None, 2))], [("y", "float32", (2,))]
    )
    graph = canonicalize(model, public).graph
    assert [value.name for value in graph.input] == ["x", "mask"]
    assert sizes(graph.input[1]) == ["batch", 2]


def image():
    return {"x": RANDOM.normal(0, 1, (2, 4, 6, 6)).astype(np.float32)}


@pytest.mark.parametrize(
    "lines",
    [
        [f"a = {SAME}(x, w)", "b = Mul(a, c)", "y = Add(d, b)"],
        [f"a = {SAME}(x, w, flat)", "b = Div(a, c)", "y = Sub(b, d)"],
        [f"a = {SAME}(x, w, flat)", "y = Sub(d, a)"],
        [f"a = {SAME}(x, w)", "y = Mul(one, a)"],
        [f"a = {SAME}(x, w, flat)", "y = BatchNormalization(a, flat, flat, flat, wide)"],
        ["a = Pad(x, pads)", "y = Conv[pads=[1, 0, 1, 0]](a, w)"],
    ],
)
def test_folding_keeps_the_result(lines):
    constants = {
        "w": KERNEL,
        "c": RANDOM.uniform(1, 2, (8, 1, 1)),
        "d": RANDOM.normal(0, 1, (1, 8, 1, 1)),
        "one": np.full((), 1.5),
        "flat": RANDOM.normal(0, 1, 8),
        "wide": RANDOM.uniform(0.5, 2, 8),
        "pads": np.array([0, 0, 0, 1, 0, 0, 0, 1]),
    }
    model = graph_model("x", "y", lines, **constants)
    feeds = image()
    wanted = run(model.SerializeToString(), feeds)["y"]
    fold(model)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    folded = canonicalize(model, signature(IMAGE, RESULT))
    np.testing.assert_allclose(run(folded.SerializeToString(), feeds)["y"], wanted, atol=1e-5)


@pytest.mark.parametrize(
    "lines",
    [
        [f"a = {SAME}(x, w)", "b = Mul(a, c)", "y = Add(a, b)"],  # the middle is read twice
        [f"a = {SAME}(x, w)", "y = Mul(a, row)"],  # the factor varies over the image
        ["a = Pad[mode='reflect'](x, pads)", "y = Conv(a, w)"],
        ["a = Pad(x, pads, one)", "y = Conv(a, w)"],
        ["a = Pad(x, deep)", "y = Conv(a, deeper)"],  # pads channels
    ],
)
def test_what_would_change_the_result_is_not_folded(lines):
    constants = {
        "w": KERNEL,
        "c": RANDOM.uniform(1, 2, (8, 1, 1)),
        "row": RANDOM.uniform(1, 2, (6,)),
        "one": np.full((), 1.5),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "deep": np.array([0, 1, 0, 0, 0, 0, 0, 0]),
        "deeper": RANDOM.normal(0, 1, (8, 5, 1, 1)),
    }
    model = graph_model("x", "y", lines, **constants)
    wanted = [node.op_type for node in model.graph.node]
    fold(model)
    assert [node.op_type for node in model.graph.node] == wanted
