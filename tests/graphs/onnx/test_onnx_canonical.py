from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_graphs import graph_model, run, signature, sizes

from pipeline.graphs.onnx.canonical import canonicalize
from pipeline.graphs.onnx.fold import fold

RANDOM = np.random.default_rng(0)
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
