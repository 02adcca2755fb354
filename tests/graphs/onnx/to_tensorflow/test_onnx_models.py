"""Whole ONNX models in TensorFlow: the same numbers, few transposes, and errors that name nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx_networks as networks
import pytest
from onnx import ModelProto, TensorProto, external_data_helper, helper, numpy_helper
from onnx_to_tensorflow import imported, model_of, reference, run, transposes

from pipeline.base.errors import SourceError
from pipeline.graphs.onnx.to_tensorflow.outline import read


def agree(model: ModelProto, feeds: dict[str, Any], **options: Any) -> Any:
    graph = imported(model, **options)
    computed = run(graph, feeds)
    for name, wanted in reference(model, feeds).items():
        assert computed[name].dtype == wanted.dtype
        np.testing.assert_allclose(computed[name], wanted, atol=1e-5, rtol=1e-5)
    return graph


@pytest.mark.parametrize(
    ("make", "name", "left"),
    [
        # The image itself, and nothing else.
        (networks.mobilenet, "input", 1),
        (networks.resnet, "input", 1),
        # Boxes of two sizes that are put in one row of each channel, and the one it makes itself.
        (networks.yolo, "images", 4),
    ],
    ids=["mobilenet", "resnet", "yolo"],
)
def test_image_models(make: Callable[[], ModelProto], name: str, left: int) -> None:
    graph = agree(make(), {name: networks.image()})
    assert transposes(graph) == left
    # The free batch is one number of each shape, which is what is left over.
    assert not {"Shape", "Pack"} & {node.op for node in graph.graph_def.node}


def test_an_encoder_of_free_length() -> None:
    model = networks.encoder()
    graph = imported(model)
    for length in (5, 9):
        feeds = networks.tokens(length)
        wanted = reference(model, feeds)["last_hidden_state"]
        np.testing.assert_allclose(run(graph, feeds)["last_hidden_state"], wanted, atol=1e-5)


def test_a_dimension_gets_a_number() -> None:
    agree(networks.encoder(), networks.tokens(7), sequence=7)


def test_a_tensor_inside_is_an_output() -> None:
    model = networks.mobilenet()
    name = model.graph.node[8].output[0]
    graph = imported(model, [name])
    model.graph.output[0].CopyFrom(helper.make_empty_tensor_value_info(name))
    feeds = {"input": networks.image()}
    np.testing.assert_allclose(run(graph, feeds)[name], reference(model, feeds)[name], atol=1e-5)


def test_functions_of_the_model_and_of_onnx_are_written_out() -> None:
    lines = ["a = Affine(x)", "y = Attention[q_num_heads=2, kv_num_heads=2](a, a, a)"]
    x = np.random.default_rng(0).normal(0, 1, (2, 3, 8)).astype(np.float32)
    model = model_of(lines, {"x": x}, {}, opset=23)
    body = [
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Mul", ["inner", "two"], ["outer"]),
    ]
    opsets = [helper.make_opsetid("", 23)]
    model.functions.append(
        helper.make_function("own", "Affine", ["inner"], ["outer"], body, opsets)
    )
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node[0].domain = "own"
    agree(model, {"x": x})


def failing(model: ModelProto, **options: Any) -> str:
    with pytest.raises(SourceError) as error:
        imported(model, **options)
    return str(error.value)


def test_what_is_not_converted_is_named_all_at_once() -> None:
    x = np.zeros((1, 4, 4), np.float32)
    lines = ["a = Unique(x)", "b = Unique(a)", "c = Strange(b)", "y = Relu(c)"]
    model = model_of(lines, {"x": x}, {})
    model.graph.node[2].domain = "com.example"
    message = failing(model)
    assert "Unique at 'a', 'b'; com.example.Strange at 'c'" in message
    assert "source.outputs" in message
    assert list(imported(model, ["x"]).outputs) == ["x"]


def test_options_that_are_not_converted_are_named_all_at_once() -> None:
    x = np.zeros((2, 2, 8, 8), np.float32)
    lines = [
        "a = Conv[auto_pad='SAME_UPPER', strides=[2, 2]](x, k)",
        "b, c = MaxPool[kernel_shape=[2, 2]](x)",
        "d = Relu(a)",
        "y = Concat[axis=1](d, b)",
    ]
    model = model_of(lines, {"x": x}, {"k": np.zeros((1, 2, 3, 3), np.float32)})
    for dim in model.graph.input[0].type.tensor_type.shape.dim:
        dim.dim_param = "size"
    model.graph.output.add(name="c")
    message = failing(model)
    assert "Conv at 'a': SAME_UPPER padding of a free size is not converted" in message
    assert "MaxPool at 'b': a second output, where the largest stood, is not converted" in message


def test_training_is_not_converted() -> None:
    constants = {"r": np.float32(0.5), "t": np.array(True)}
    x = np.zeros((2, 3), np.float32)
    message = failing(model_of(["y = Dropout(x, r, t)"], {"x": x}, constants))
    assert "a dropout in training mode is not converted" in message


def test_opsets_that_are_not_read() -> None:
    model = networks.mobilenet()
    model.opset_import[0].version = 6
    assert "opset 6; 7 to 23 are read" in failing(model)


def test_circles() -> None:
    model = model_of(["a = Relu(b)", "b = Relu(a)"], {}, {})
    assert "circles" in failing(model)
    x = np.zeros(2, np.float32)
    model = model_of(["y = Own(x)"], {"x": x}, {})
    model.graph.node[0].domain = "own"
    node = helper.make_node("Own", ["a"], ["b"], domain="own")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model.functions.append(helper.make_function("own", "Own", ["a"], ["b"], [node], opsets))
    model.opset_import.append(opsets[1])
    assert "'Own' of this model calls itself" in failing(model)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("../secret.bin", "outside the model's folder"),
        ("/etc/hostname", "outside the model's folder"),
        ("link.bin", "a link is not followed"),
        ("none.bin", "is no file beside the model"),
        ("short.bin", "lacks the bytes"),
    ],
)
def test_weights_in_files(tmp_path: Path, location: str, message: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "short.bin").write_bytes(bytes(5))
    weight = np.arange(4, dtype=np.float32)
    (folder / "weights.bin").write_bytes(bytes(8) + weight.tobytes())
    x = np.ones(4, np.float32)
    model = model_of(["y = Mul(x, w)"], {"x": x}, {"w": weight})
    for place, raised in ((location, message), ("weights.bin", None)):
        tensor = model.graph.initializer[0]
        tensor.raw_data = b"elsewhere"
        external_data_helper.set_external_data(tensor, place, offset=8, length=16)
        tensor.ClearField("raw_data")
        if raised:
            assert raised in failing(model, folder=folder)
        else:
            np.testing.assert_array_equal(
                run(imported(model, folder=folder), {"x": x})["y"], weight
            )


@pytest.mark.parametrize(
    ("lines", "constants"),
    [
        (["c = ConstantOfShape(s)", "y = Add(x, c)"], {"s": np.array([1 << 20, 1 << 20])}),
        (["y = Expand(x, s)"], {"s": np.array([1 << 40])}),
        (["c = Range(a, s, b)", "y = Add(x, c)"],
         {"a": np.array(0), "s": np.array(1 << 60), "b": np.array(1)}),
        (["y = Tile(x, s)"], {"s": np.array([1 << 40])}),
        (["y = Pad(x, s)"], {"s": np.array([0, 1 << 40])}),
    ],
    ids=["constant", "expand", "range", "tile", "pad"],
)  # fmt: skip
def test_few_bytes_do_not_ask_for_much_memory(lines: list[str], constants: Any) -> None:
    assert "not made" in failing(model_of(lines, {"x": np.zeros(1, np.float32)}, constants))
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), "w")
    tensor.dims[0] = 1 << 40
    model = model_of(["y = Add(x, w)"], {"x": np.zeros(1, np.float32)}, {})
    model.graph.initializer.append(tensor)
    assert "too large to be read" in failing(model)


def test_damaged_bytes_are_told_of() -> None:
    """Every file that no longer is a model gives an error for a person, or the graph of another."""
    random = np.random.default_rng(0)
    contents = [make().SerializeToString() for make in (networks.mobilenet, networks.encoder)]
    told = 0
    for index in range(60):
        damaged = bytearray(contents[index % 2])
        for place in random.integers(0, len(damaged), 1 + index % 8):
            damaged[place] = random.integers(256)
        try:
            imported(read(bytes(damaged)))
        except SourceError:
            told += 1
    assert told > 10


def test_an_output_that_nothing_gives() -> None:
    model = networks.mobilenet()
    model.graph.output[0].name = "lost"
    assert "nothing gives the output 'lost'" in failing(model)


def test_a_condition_that_is_known_takes_its_branch() -> None:
    """As PyTorch writes ``squeeze`` of a size that it does not know."""
    ends = [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)]
    squeezed = helper.make_graph(
        [
            helper.make_node("Squeeze", ["x", "last"], ["s"]),
            helper.make_node("Add", ["s", "b"], ["t"]),
        ],
        "then",
        [],
        ends,
        [numpy_helper.from_array(np.float32([1, 2, 3]), "b")],
    )
    same = helper.make_graph([helper.make_node("Unique", ["x"], ["t"])], "else", [], ends)
    for size in (1, 2):
        x = np.random.default_rng(0).normal(0, 1, (2, 3, size)).astype(np.float32)
        lines = [
            "n = Shape(x)",
            "d = Gather(n, two)",
            "p = Equal(d, one)",
            "i = If(p)",
            "y = Abs(i)",
        ]
        constants = {"two": np.int64(2), "one": np.int64(1), "last": np.array([2])}
        model = model_of(lines, {"x": x}, constants)
        model.graph.node[3].attribute.extend(
            [
                helper.make_attribute("then_branch", squeezed),
                helper.make_attribute("else_branch", same),
            ]
        )
        if size == 1:
            graph = imported(model)
            wanted = reference(model, {"x": x})["y"]
            np.testing.assert_allclose(run(graph, {"x": x})["y"], wanted, atol=1e-6)
        else:
            with pytest.raises(SourceError, match="Unique at 't': the operator is not converted"):
                imported(model)
