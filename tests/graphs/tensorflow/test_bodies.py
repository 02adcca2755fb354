"""Bodies are changed as graphs are, and are functions again."""

from __future__ import annotations

from typing import Any

import numpy as np
from test_spread import graph_of, run

from pipeline.graphs.tensorflow.spread import spread

X = np.random.default_rng(4).normal(0, 1, (4, 6)).astype(np.float32)


def in_bodies(graph_def: Any) -> set[str]:
    return {node.op for function in graph_def.library.function for node in function.node_def}


def test_nodes_with_several_outputs_are_read_by_the_right_one() -> None:
    import tensorflow as tf

    def body(i: Any, v: Any) -> Any:
        first, second, third = tf.split(v, 3, axis=1)
        largest, places = tf.math.top_k(tf.math.erfc(tf.concat([third, first], 1)), 2)
        v = tf.concat([largest, second, tf.cast(places, tf.float32)], 1)
        return i + 1, tf.ensure_shape(v, [4, 6])

    def model(x: Any) -> Any:
        shapes = (tf.TensorShape([]), tf.TensorShape([4, 6]))
        return tf.while_loop(lambda i, _: i < 3, body, (0, x), shapes)[1]

    graph_def = graph_of(model, {"x": X})
    expected = run(graph_def, {"x": X})
    assert "Erfc" in in_bodies(graph_def)
    written = spread(graph_def)
    assert "Erfc" not in in_bodies(written)
    np.testing.assert_allclose(run(written, {"x": X}), expected, atol=1e-6)


def test_a_loop_whose_shape_grows_is_not_taken_for_its_first_round() -> None:
    """Resizing is written out where the size is known, which it is in the first round alone."""
    import tensorflow as tf

    def body(i: Any, v: Any) -> Any:
        rows = tf.shape(v)[1] + 1
        return i + 1, tf.image.resize(v, tf.stack([rows, 3]), "bicubic") - tf.nn.softsign(i * 0.1)

    def grown(x: Any) -> Any:
        image, free = tf.reshape(x, [1, 4, 3, 2]), tf.TensorShape([1, None, 3, 2])
        return tf.while_loop(lambda i, _: i < 2, body, (0.0, image), (tf.TensorShape([]), free))[1]

    graph_def = graph_of(grown, {"x": X})
    expected = run(graph_def, {"x": X})
    written = spread(graph_def)
    assert "Softsign" not in in_bodies(written)
    np.testing.assert_allclose(run(written, {"x": X}), expected, atol=1e-5)


def test_a_function_that_two_nodes_call_takes_no_ones_shapes() -> None:
    import tensorflow as tf

    @tf.function(autograph=False)
    def shared(v: Any) -> Any:
        return tf.einsum("ab,cb->ac", v, v) + tf.reduce_sum(tf.math.expm1(v))

    def model(x: Any) -> Any:
        given = [tf.reshape(x, [-1, 3]), tf.reshape(x, [-1, 2])]
        made = [tf.cond(x[0, 0] > 9, lambda v=v: v @ tf.transpose(v), lambda v=v: shared(v))
                for v in given]  # fmt: skip
        return made[0][:6, :6] + made[1][:6, :6]

    graph_def = graph_of(model, {"x": X})
    expected = run(graph_def, {"x": X})
    written = spread(graph_def)
    assert not {"Einsum", "Expm1"} & in_bodies(written)
    np.testing.assert_allclose(run(written, {"x": X}), expected, atol=1e-5)
