"""Each operator against TFLite's interpreter: all of a family are in one file."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_models import convert, interpret

from pipeline.graphs.tflite.operators import mediapipe
from pipeline.graphs.tflite.read import read
from pipeline.graphs.tflite.write import OPERATORS, write
from pipeline.sources.tensorflow.graph_model import graph_model

RANDOM = np.random.default_rng(0)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def images(x):
    """Of x [n, 8, 8, 6]."""
    import tensorflow as tf

    nn, raw = tf.nn, tf.raw_ops
    pairs = [[0, 0], [1, 2], [2, 1], [0, 0]]
    strided = nn.conv2d(x, weights(3, 3, 6, 4), 2, "SAME")
    return {
        "conv": nn.relu6(nn.bias_add(strided, weights(4))),
        "conv_n1_to_1": tf.clip_by_value(nn.conv2d(x, weights(1, 1, 6, 4), 1, "VALID"), -1, 1),
        "conv_dilated": nn.conv2d(x, weights(3, 3, 6, 4), 1, "SAME", dilations=2),
        "conv_groups": nn.conv2d(x, weights(3, 3, 2, 6), 1, "SAME"),
        "depthwise": nn.relu(nn.depthwise_conv2d(x, weights(3, 3, 6, 2), [1, 2, 2, 1], "SAME")),
        "depthwise_dilated": nn.depthwise_conv2d(
            x, weights(3, 3, 6, 1), [1] * 4, "VALID", dilations=[2, 2]
        ),
        "transposed": nn.conv2d_transpose(
            x, weights(3, 3, 5, 6), [tf.shape(x)[0], 16, 16, 5], 2, "SAME"
        ),
        "max_pool": nn.max_pool2d(x, 3, 2, "SAME"),
        "average_pool": nn.avg_pool2d(x, 3, 2, "SAME"),
        "pad": tf.pad(x, pairs),
        "pad_v2": tf.pad(x, pairs, constant_values=1.5),
        "mirrored": tf.pad(x, pairs, "REFLECT"),
        "bilinear": raw.ResizeBilinear(images=x, size=[13, 5], half_pixel_centers=True),
        "bilinear_aligned": raw.ResizeBilinear(images=x, size=[13, 5], align_corners=True),
        "bilinear_old": raw.ResizeBilinear(images=x, size=[16, 16]),
        "nearest": raw.ResizeNearestNeighbor(images=x, size=[16, 12], half_pixel_centers=True),
        "to_space": nn.depth_to_space(tf.concat([x, x], -1), 2),
        "to_depth": nn.space_to_depth(x, 2),
        "mean": tf.reduce_mean(x, [1, 2]),
        "mean_kept": tf.reduce_mean(x, [1, 2], keepdims=True),
        "prelu": nn.relu(x) + -weights(1, 1, 6) * nn.relu(-x),
        "local_response": nn.local_response_normalization(x, 2, 1.0, 0.5, 0.5),
        "to_batch": tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
    }


def numbers(x):
    """Of x [n, 6], each operator of its own."""
    import tensorflow as tf

    nn, m = tf.nn, tf.math
    positive, k = tf.abs(x) + 0.1, tf.constant(weights(6))
    return {
        "add": x + k,
        "sub": nn.relu(k - x),
        "mul": x * k,
        "div": x / positive,
        "pow": tf.pow(positive, 1.5),
        "maximum": tf.maximum(x, k),
        "minimum": tf.minimum(x, k),
        "difference": m.squared_difference(x, k),
        "floor_div": m.floordiv(x, positive),
        "floor_mod": m.floormod(x, positive),
        "exp": tf.exp(x),
        "log": tf.math.log(positive),
        "sqrt": tf.sqrt(positive),
        "rsqrt": m.rsqrt(positive),
        "sin": tf.sin(x),
        "cos": tf.cos(x),
        "neg": -x,
        "abs": tf.abs(x),
        "floor": tf.floor(x),
        "ceil": m.ceil(x),
        "round": tf.round(x),
        "square": tf.square(x),
        "sign": tf.sign(x),
        "tanh": tf.tanh(x),
        "logistic": tf.sigmoid(x),
        "relu": nn.relu(x),
        "elu": nn.elu(x),
        "leaky": nn.leaky_relu(x, 0.3),
        "gelu": nn.gelu(x),
        "hard_swish": x * nn.relu6(x + 3) / 6,
        "softmax": nn.softmax(x),
        "log_softmax": nn.log_softmax(x),
        "l2": m.l2_normalize(x, -1),
        "select": tf.where(x > 0, x, k),
        "less": tf.cast(tf.logical_not(tf.logical_and(x < k, x <= 0.5)), tf.float32),
        "equal": tf.cast(tf.logical_or(tf.equal(x, k), tf.not_equal(x, x)), tf.float32),
        "greater": tf.cast(x >= k, tf.int32),
        "add_n": tf.add_n([x, k[None] * tf.ones_like(x), x]),
        "atan2": m.atan2(x, positive),
    }


def rows(x):
    """Of x [n, 4, 6]: moved, sorted and reduced."""
    import tensorflow as tf

    values, places = tf.math.top_k(x, 3)
    first, second = tf.split(x, 2, -1)
    parts = tf.split(x, [1, 3, 2], -1)
    return {
        "dense": tf.nn.relu(tf.tensordot(x, weights(6, 5), 1) + weights(5)),
        "products": tf.matmul(x, x, transpose_b=True),
        "flat": tf.reshape(x, [-1, 24]),
        "computed_shape": tf.reshape(x, [tf.shape(x)[0], 6, 4]),
        "transposed_rows": tf.transpose(x, [0, 2, 1]),
        "joined": tf.concat([second, first], 1),
        "packed": tf.stack([first, second], 2),
        "unpacked": tf.unstack(x, axis=1)[2],
        "uneven": parts[2] + parts[0],
        "slice": tf.slice(x, [0, 1, 2], [-1, 2, 3]),
        "strided": x[:, ::-1, 1:5:2],
        "one_row": x[:, 1],
        "expanded": tf.expand_dims(x, 2),
        "squeezed": tf.squeeze(tf.reduce_sum(x, 1, keepdims=True), 1),
        "tiled": tf.tile(x, [1, 2, 1]),
        "gathered": tf.gather(x, [3, 0], axis=1),
        "gathered_nd": tf.gather_nd(x, tf.constant([[0, 1], [0, 3]])),
        "broadcast": tf.broadcast_to(x[:, :1], tf.shape(x)),
        "reversed": tf.reverse(x, [1]),
        "summed": tf.reduce_sum(x, -1),
        "largest": tf.reduce_max(x, 1),
        "smallest": tf.reduce_min(x, 1),
        "product": tf.reduce_prod(x, 1),
        "any": tf.cast(tf.reduce_any(x > 1, 1), tf.float32),
        "arg_max": tf.argmax(x, -1),
        "arg_min": tf.argmin(x, 1, tf.int32),
        "top_values": values,
        "top_places": places,
        "cumulative": tf.cumsum(x, 1, exclusive=True),
        "one_hot": tf.one_hot(tf.argmax(x, -1), 6),
    }


FAMILIES = {"images": (images, 8, 8, 6), "numbers": (numbers, 6), "rows": (rows, 4, 6)}


@pytest.fixture(scope="module")
def files():
    return {
        name: convert(function, {"x": [None, *shape]})
        for name, (function, *shape) in FAMILIES.items()
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch", [1, 3])
def test_operators_give_what_the_interpreter_gives(files, family, batch):
    x = RANDOM.normal(0, 1, (batch, *FAMILIES[family][1:])).astype(np.float32)
    model = read(files[family], "m.tflite")
    graph = write(model, model.outputs, "m.tflite")
    loaded = graph_model(graph.graph_def, graph.inputs, graph.outputs)
    results = loaded.function(**{loaded.arguments["x"]: x})
    assert list(loaded.results) == list(model.outputs)
    for wanted, name in zip(interpret(files[family], [x]), loaded.results, strict=True):
        ours = results[loaded.results[name]].numpy()
        assert (ours.dtype, ours.shape) == (wanted.dtype, wanted.shape), name
        atol = 1e-5 * max(1.0, float(np.abs(wanted).max(initial=0)))
        np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=atol, err_msg=name)


def test_these_files_hold_what_the_table_covers(files):
    """Beside those that converters write seldom, or only for integers or single files."""
    held = {node.kind for content in files.values() for node in read(content, "m").operators}
    assert {*OPERATORS} - held <= {
        *("DENSIFY", "DEQUANTIZE", "QUANTIZE", "FAKE_QUANT", "CONV_3D", "L2_POOL_2D"),
        *("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "RELU_0_TO_1", "RANK", "SELECT"),
        *("EMBEDDING_LOOKUP", "WHERE", "RANGE", "SCATTER_ND", "ZEROS_LIKE", "FILL"),
        *("BATCH_TO_SPACE_ND", "REDUCE_ALL", "RELU6", "RELU_N1_TO_1", "SQUEEZE"),
        *mediapipe.OPERATORS,
    }
