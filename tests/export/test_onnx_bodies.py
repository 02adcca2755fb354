from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_graphs import converted, run

from pipeline.export import onnx as fmt
from pipeline.graphs.onnx.canonical import graphs

RANDOM = np.random.default_rng(0)
SQUARE = RANDOM.normal(0, 0.2, (16, 16)).astype(np.float32)
INSTEAD = RANDOM.normal(0, 1, (8, 16)).astype(np.float32)


def value(name, kind, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def loop(state, result, body):
    """``result``: ``body`` done three times to ``state``, as tf2onnx writes it: without shapes."""
    return helper.make_node("Loop", ["three", "", state], [result], body=body)


def body(nodes, prefix, constants=()):
    inputs = [
        value(f"{prefix}_i", TensorProto.INT64),
        value(f"{prefix}_on", TensorProto.BOOL),
        value(f"{prefix}_in", TensorProto.FLOAT),
    ]
    going = helper.make_node("Identity", [f"{prefix}_on"], [f"{prefix}_goes"])
    outputs = [value(f"{prefix}_goes", TensorProto.BOOL), value(f"{prefix}_out", TensorProto.FLOAT)]
    return helper.make_graph([going, *nodes], prefix, inputs, outputs, list(constants))


def nested(folder):
    """x -> where its sum is positive, nine products with SQUARE; else INSTEAD, a constant."""
    inner = body(
        [
            helper.make_node("MatMul", ["inner_in", "square"], ["product"]),
            helper.make_node("Tanh", ["product"], ["inner_out"]),
        ],
        "inner",
        [constant("square", SQUARE)],
    )
    outer = body([loop("outer_in", "outer_out", inner)], "outer")
    then = helper.make_graph(
        [loop("x", "looped", outer)], "then", [], [value("looped", TensorProto.FLOAT)]
    )
    other = helper.make_graph(
        [], "else", [], [value("instead", TensorProto.FLOAT)], [constant("instead", INSTEAD)]
    )
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["y"], then_branch=then, else_branch=other),
    ]
    constants = [constant("zero", np.float32(0)), constant("three", np.int64(3))]
    ends = [value("x", TensorProto.FLOAT)], [value("y", TensorProto.FLOAT)]
    graph = helper.make_graph(nodes, "g", *ends, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return converted(model, [("x", "float32", (8, 16))], [("y", "float32", (8, 16))], folder)


@pytest.fixture(params=[None, "uint8"])
def artifact(request, tmp_path):
    """Its files hard-linked, as the store's are."""
    work = tmp_path / "work"
    work.mkdir()
    options = fmt.PackageOptions(variant="v", codec=request.param, shard_bytes=2**20)
    fmt.package({"model": nested(tmp_path)}, options, work)
    description = json.loads((work / "artifact.json").read_text())
    for file in description["files"]:
        os.link(work / file["path"], tmp_path / Path(file["path"]).name)
    return work / description["entry"]


def test_constants_of_nested_bodies_load_from_linked_files(artifact):
    x = np.abs(RANDOM.normal(0, 1, (8, 16))).astype(np.float32)
    wanted = x
    for _ in range(9):
        wanted = np.tanh(wanted @ SQUARE)
    np.testing.assert_allclose(run(artifact, {"x": x})["y"], wanted, atol=0.05)
    np.testing.assert_array_equal(run(artifact, {"x": -x})["y"], INSTEAD)


def test_a_loops_weights_lie_outside_of_it(artifact):
    """So they are in a shard, and decoded once, not in every round."""
    main, *inner = graphs(onnx.load(artifact, load_external_data=False).graph)
    assert any(tensor.external_data for tensor in main.initializer)
    held = [tensor for graph in inner for tensor in graph.initializer]
    assert not any(tensor.external_data for tensor in held)
    assert [list(tensor.dims) for tensor in held if len(tensor.raw_data) >= 256] == [[8, 16]]
    nodes = {node.op_type for graph in inner for node in graph.node}
    assert nodes == {"Identity", "Loop", "MatMul", "Tanh"}
