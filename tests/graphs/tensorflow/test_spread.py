"""What runtimes lack is written in other nodes, which compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.graphs.tensorflow.spread import spread

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 6, "f": 2, "g": 3}
RANDOM = np.random.default_rng(6)

Arrays = dict[str, np.ndarray[Any, Any]]


def graph_of(function: Any, arrays: Arrays, free: bool = False) -> Any:
    """The GraphDef of a function; its output is called ``y``.

    Args:
        free: whether no size is known before it runs.
    """
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        inputs = [
            tf.compat.v1.placeholder(
                values.dtype, [None] * values.ndim if free else values.shape, name
            )
            for name, values in arrays.items()
        ]
        tf.identity(function(*inputs), name="y")
    return graph.as_graph_def()


def run(graph_def: Any, arrays: Arrays) -> Any:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run("y:0", {f"{name}:0": values for name, values in arrays.items()})


@pytest.mark.parametrize("free", [False, True], ids=["known", "free"])
@pytest.mark.parametrize(
    "equation",
    [
        "ab,bc->ac",
        "ab,bc->ca",
        # Attention of Keras, for two and for three axes.
        "abc,cde->abde",
        "aecd,abcd->acbe",
        "acbe,aecd->abcd",
        "abcd,cde->abe",
        "abfcd,abgcd->abcfg",
        # No batch, no sum, sums of one operand alone, a number.
        "ab,cd->abcd",
        "ab,ab->ab",
        "abc,bd->ad",
        "ab,ab->",
        "a,b->ba",
    ],
)
def test_einsum_becomes_one_product(equation: str, free: bool) -> None:
    import tensorflow as tf

    operands = equation.partition("->")[0].split(",")
    arrays = {
        name: RANDOM.normal(size=[SIZES[label] for label in labels]).astype(np.float32)
        for name, labels in zip("xz", operands, strict=True)
    }
    graph_def = graph_of(lambda *tensors: tf.einsum(equation, *tensors), arrays, free)
    changed = spread(graph_def)
    operators = [node.op for node in changed.node]
    assert "Einsum" not in operators
    assert sum("MatMul" in operator for operator in operators) == 1
    expected = np.einsum(equation, *arrays.values())
    np.testing.assert_allclose(run(changed, arrays), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("equation", ["aab,bc->ac", "abc->cb"])
def test_another_einsum_stays(equation: str) -> None:
    import tensorflow as tf

    operands = equation.partition("->")[0].split(",")
    shapes = [[SIZES[label] for label in labels] for labels in operands]
    arrays = {name: np.ones(s, np.float32) for name, s in zip("xz", shapes, strict=False)}
    graph_def = graph_of(
        lambda *tensors: tf.raw_ops.Einsum(inputs=[*tensors], equation=equation), arrays
    )
    assert "Einsum" in [node.op for node in spread(graph_def).node]


def test_erfc_is_what_erf_leaves_of_one() -> None:
    import tensorflow as tf

    arrays = {"x": np.linspace(-5, 5, 101, dtype=np.float32)}
    graph_def = graph_of(tf.math.erfc, arrays)
    expected = run(graph_def, arrays)
    changed = spread(graph_def)
    assert {"Erf", "Sub"} <= {node.op for node in changed.node}
    # Where nearly nothing is left, in float32 nothing is: GELU multiplies that by less than 5.
    np.testing.assert_allclose(run(changed, arrays), expected, atol=2e-7)


def test_calls_that_xla_would_compile_are_written_out() -> None:
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def inner(x: Any) -> Any:
        return tf.tanh(x) * 2.0

    arrays = {"x": RANDOM.normal(size=(3, 4)).astype(np.float32)}
    graph_def = graph_of(inner, arrays)
    assert any("PartitionedCall" in node.op for node in graph_def.node)
    changed = spread(graph_def)
    assert not any("PartitionedCall" in node.op for node in changed.node)
    np.testing.assert_allclose(run(changed, arrays), np.tanh(arrays["x"]) * 2, rtol=1e-6)


def spectral_resize(how: str) -> Any:
    """As Keras resizes: the scale is computed from the shape of the image."""
    import tensorflow as tf

    return lambda x: tf.image.resize(x, (7, 4), how, antialias=how == "lanczos3")


@pytest.mark.parametrize(
    ("lacking", "make"),
    [
        (
            "Bucketize",
            lambda tf: lambda x: tf.raw_ops.Bucketize(input=x, boundaries=[-1.0, 0, 0.5]),
        ),
        ("Erfc", lambda tf: tf.math.erfc),
        ("Expm1", lambda tf: tf.math.expm1),
        ("Log1p", lambda tf: lambda x: tf.math.log1p(tf.abs(x))),
        ("Softsign", lambda tf: tf.math.softsign),
        ("ResizeArea", lambda tf: spectral_resize("area")),
        ("ResizeBicubic", lambda tf: spectral_resize("bicubic")),
        ("ScaleAndTranslate", lambda tf: spectral_resize("lanczos3")),
    ],
)
def test_what_a_format_lacks_becomes_what_both_have(lacking: str, make: Any) -> None:
    import tensorflow as tf

    arrays = {"x": RANDOM.normal(size=(2, 5, 6, 3)).astype(np.float32)}
    graph_def = graph_of(make(tf), arrays)
    expected = run(graph_def, arrays)
    assert lacking in {node.op for node in graph_def.node}
    changed = spread(graph_def)
    assert lacking not in {node.op for node in changed.node}
    np.testing.assert_allclose(run(changed, arrays), expected, rtol=1e-5, atol=1e-5)


def test_a_resizing_to_a_size_that_the_inputs_decide_stays() -> None:
    import tensorflow as tf

    arrays = {"x": np.ones((1, 5, 6, 3), np.float32)}
    graph_def = graph_of(lambda x: tf.image.resize(x, (7, 4), "bicubic"), arrays, free=True)
    assert "ResizeBicubic" in {node.op for node in spread(graph_def).node}


def test_groups_of_a_convolution_of_volumes_stand_apart() -> None:
    import tensorflow as tf

    kernel = tf.constant(RANDOM.normal(size=(2, 2, 2, 2, 6)).astype(np.float32)).numpy()
    arrays = {"x": RANDOM.normal(size=(1, 4, 4, 4, 4)).astype(np.float32)}
    graph_def = graph_of(lambda x: tf.nn.conv3d(x, kernel, [1, 2, 1, 1, 1], "SAME"), arrays)
    halves = zip(np.split(arrays["x"], 2, -1), np.split(kernel, 2, -1), strict=True)
    wanted = [tf.nn.conv3d(*half, [1, 2, 1, 1, 1], "SAME") for half in halves]
    changed = spread(graph_def)
    assert sum(node.op == "Conv3D" for node in changed.node) == 2
    np.testing.assert_allclose(run(changed, arrays), np.concatenate(wanted, -1), atol=1e-4)
