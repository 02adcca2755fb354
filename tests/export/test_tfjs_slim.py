"""What is left out of a TF.js graph's JSON, and what must not be."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipeline.export.tfjs_graph.slim import share_constants, slim

RELU6, LEAKY = "UmVsdTY=", "TGVha3lSZWx1"


def graph(activation: str = RELU6) -> dict[str, Any]:
    """A fused convolution whose weight has a number for a name, as an operation may have too."""
    attributes = {
        "T": {"type": "DT_FLOAT"},
        "dilations": {"list": {"i": ["1", "1", "1", "1"]}},
        "epsilon": {"f": 0.0},
        "explicit_paddings": {"list": {}},
        "fused_ops": {"list": {"s": ["Qmlhc0FkZA==", activation]}},
        "leakyrelu_alpha": {"f": 0.3},
        "num_args": {"i": "1"},
        "use_cudnn_on_gpu": {"b": True},
    }
    nodes = [
        {"name": "x", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}}},
        {"name": "a/w", "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}},
        {"name": "a/b", "op": "Const", "attr": {}, "device": "/device:CPU:0"},
        {"name": "0", "op": "_FusedConv2D", "input": ["x", "a/w", "a/b"], "attr": attributes},
    ]
    weights = [{"name": name, "shape": [1], "dtype": "float32"} for name in ("a/w", "a/b")]
    return {
        "format": "graph-model",
        "generatedBy": "2.0",
        "modelTopology": {"node": nodes, "library": {}, "versions": {"producer": 1}},
        "weightsManifest": [{"paths": [], "weights": weights}],
    }


def test_constants_come_first_and_have_free_numbers_for_names():
    model = graph()
    slim(model)
    topology = model["modelTopology"]
    assert topology["versions"] == {"producer": 1}
    assert topology["node"][:2] == [{"name": "1", "op": "Const"}, {"name": "2", "op": "Const"}]
    assert topology["node"][3]["input"] == ["x", "1", "2"]
    assert [weight["name"] for weight in model["weightsManifest"][0]["weights"]] == ["1", "2"]


@pytest.mark.parametrize(("activation", "kept"), [(RELU6, set()), (LEAKY, {"leakyrelu_alpha"})])
def test_only_attributes_that_say_nothing_are_dropped(activation, kept):
    model = graph(activation)
    slim(model)
    attributes = model["modelTopology"]["node"][3]["attr"]
    assert set(attributes) == {"T", "dilations", "fused_ops", "num_args"} | kept


def test_attributes_that_differ_from_the_default_stay():
    model = graph()
    changed = model["modelTopology"]["node"][3]["attr"]
    changed["explicit_paddings"] = {"list": {"i": ["0", "0", "1", "1", "1", "1", "0", "0"]}}
    wanted = copy.deepcopy(changed["explicit_paddings"])
    slim(model)
    assert model["modelTopology"]["node"][3]["attr"]["explicit_paddings"] == wanted


def test_names_stay_where_functions_use_them():
    model = graph()
    model["modelTopology"]["library"] = {"function": [{"nodeDef": []}]}
    slim(model)
    assert model["modelTopology"]["node"][3]["input"] == ["x", "a/w", "a/b"]


def test_equal_constants_are_stored_once():
    model = graph()
    contents: list[bytes | memoryview] = [b"1234", b"1234"]
    share_constants(model, contents)
    assert contents == [b"1234"]
    assert [node["name"] for node in model["modelTopology"]["node"]] == ["x", "a/w", "0"]
    assert model["modelTopology"]["node"][2]["input"] == ["x", "a/w", "a/w"]
    assert len(model["weightsManifest"][0]["weights"]) == 1


def test_numbers_are_shared_by_those_who_read_them_alike():
    """A shape that is also added to something would be read back from the GPU."""
    model = graph()
    names = ("shape", "same", "added")
    model["weightsManifest"][0]["weights"] = [
        {"name": name, "shape": [1], "dtype": "int32"} for name in names
    ]
    readers = [("Reshape", "shape"), ("Reshape", "same"), ("AddV2", "added")]
    nodes = [{"name": f"y{i}", "op": op, "input": ["x", c]} for i, (op, c) in enumerate(readers)]
    constants = [{"name": name, "op": "Const"} for name in names]
    model["modelTopology"]["node"] = [*constants, *nodes]
    contents: list[bytes | memoryview] = [b"1234", b"1234", b"1234"]
    share_constants(model, contents)
    assert [node["input"][1] for node in nodes] == ["shape", "shape", "added"]


def test_constants_of_other_shapes_or_types_are_not_shared():
    for key, value in (("shape", [1, 1]), ("dtype", "int32")):
        model = graph()
        model["weightsManifest"][0]["weights"][1][key] = value
        contents: list[bytes | memoryview] = [b"1234", b"1234"]
        share_constants(model, contents)
        assert len(contents) == 2


def test_a_constant_that_is_an_output_keeps_its_name_and_its_bytes():
    """Box priors are such, and two of them can be equal."""
    model = graph()
    model["signature"] = {"outputs": {name: {"name": f"{name}:0"} for name in ("a/w", "a/b", "0")}}
    contents: list[bytes | memoryview] = [b"1234", b"1234"]
    share_constants(model, contents)
    slim(model)
    assert contents == [b"1234", b"1234"]
    assert {node["name"] for node in model["modelTopology"]["node"]} == {"x", "a/w", "a/b", "0"}
    assert [weight["name"] for weight in model["weightsManifest"][0]["weights"]] == ["a/w", "a/b"]


def test_what_runs_after_a_constant_finds_it_by_its_new_name():
    model = graph()
    model["modelTopology"]["node"][3]["input"].append("^a/b")
    contents: list[bytes | memoryview] = [b"1234", b"1234"]
    share_constants(model, contents)
    slim(model)
    assert model["modelTopology"]["node"][2]["input"] == ["x", "1", "1", "^1"]
