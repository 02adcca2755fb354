"""Sparse weights: files of TensorFlow's converter, and every way that the format has."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tflite_models import convert, interpret

from pipeline.graphs.tflite.read import read
from pipeline.graphs.tflite.reader import Reader
from pipeline.graphs.tflite.sparse import densify
from pipeline.graphs.tflite.write import write
from pipeline.sources.tensorflow.graph_model import graph_model


def sparsity(order, blocks, levels):
    """The schema's table, as its reader shows it: a level is a size, or segments and indices."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    def vector(values):
        builder = flatbuffers.Builder()
        table = schema.Int32VectorT()
        table.values = np.array(values, np.int32)
        builder.Finish(table.Pack(builder))
        return schema.Int32Vector.GetRootAs(builder.Output())._tab

    def level(given):
        dense = isinstance(given, int)
        return SimpleNamespace(
            Format=lambda: 0 if dense else 1,
            DenseSize=lambda: given if dense else 0,
            ArraySegmentsType=lambda: 1,
            ArrayIndicesType=lambda: 1,
            ArraySegments=lambda: None if dense else vector(given[0]),
            ArrayIndices=lambda: None if dense else vector(given[1]),
        )

    return SimpleNamespace(
        TraversalOrderLength=lambda: len(order),
        TraversalOrderAsNumpy=lambda: np.array(order),
        BlockMapLength=lambda: len(blocks),
        BlockMapAsNumpy=lambda: np.array(blocks),
        DimMetadataLength=lambda: len(levels),
        DimMetadata=lambda i: level(levels[i]),
    )


MATRIX = np.array([[1, 0, 2, 3], [0, 4, 0, 0], [0, 0, 5, 0], [0, 6, 0, 0]], np.float32)
BLOCKS = np.array([[1, 0, 0, 0], [2, 3, 0, 0], [0, 0, 4, 5], [0, 0, 6, 0]], np.float32)

#: The examples in the comments of TensorFlow's ``lite/schema/schema.fbs``, and rows of columns.
WAYS = {
    "rows": (MATRIX, [0, 1], [], [4, ([0, 3, 4, 5, 6], [0, 2, 3, 1, 2, 1])], [1, 2, 3, 4, 5, 6]),
    "columns": (
        MATRIX,
        [1, 0],
        [],
        [4, ([0, 1, 3, 5, 6], [0, 1, 3, 0, 2, 0])],
        [1, 4, 6, 2, 5, 3],
    ),
    "blocks": (
        BLOCKS,
        [0, 1, 2, 3],
        [0, 1],
        [2, ([0, 1, 2], [0, 1]), 2, 2],
        [1, 0, 2, 3, 4, 5, 6, 0],
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_the_format(way):
    dense, order, blocks, levels, values = WAYS[way]
    reader = Reader(bytes(1000), "m.tflite")
    values = np.array(values, np.float32)
    np.testing.assert_array_equal(
        densify(reader, sparsity(order, blocks, levels), values, dense.shape), dense
    )


@pytest.mark.parametrize(
    ("levels", "shape"),
    [
        ([4, ([0, 3, 4, 5, 6], [0, 2, 9, 1, 2, 1])], (4, 4)),
        ([4, ([0, 3, 2, 5, 6], [0, 2, 3, 1, 2, 1])], (4, 4)),
        ([4, ([0, 3, 4, 5, 600], [0, 2, 3, 1, 2, 1])], (4, 4)),
        ([2**30, ([0], [])], (2**30, 4)),
    ],
    ids=["index", "falling", "end", "size"],
)
def test_what_contradicts_itself_is_refused(levels, shape):
    with pytest.raises((ValueError, IndexError)):
        densify(
            Reader(bytes(1000), "m.tflite"),
            sparsity([0, 1], [], levels),
            np.ones(6, np.float32),
            shape,
        )


def test_the_converter_s_sparse_weights():
    import tensorflow as tf

    random = np.random.default_rng(0)
    kernel = random.normal(0, 1, (64, 32)).astype(np.float32)
    kernel[random.random(kernel.shape) < 0.9] = 0
    content = convert(lambda x: {"y": tf.nn.relu(x @ kernel)}, {"x": [1, 64]}, "sparse")
    model = read(content, "m.tflite")
    graph = write(model, model.outputs, "m.tflite")
    loaded = graph_model(graph.graph_def, graph.inputs, graph.outputs)
    x = random.normal(0, 1, (1, 64)).astype(np.float32)
    (wanted,) = interpret(content, [x])
    ours = loaded.function(**{loaded.arguments["x"]: x})["y"].numpy()
    np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-5)
    assert len(content) < kernel.nbytes
