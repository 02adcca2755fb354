"""Files that are damaged or crafted: one error, and no more memory or time than a whole one."""

from __future__ import annotations

import resource
import time

import numpy as np
import pytest
from tflite_models import convert

from pipeline.base.errors import SourceError
from pipeline.graphs.tflite.read import read
from pipeline.graphs.tflite.write import write

MUTATIONS = 300
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def content():
    import tensorflow as tf

    kernel, dense = (RANDOM.normal(0, 1, shape).astype("f4") for shape in ((3, 3, 3, 8), (8, 4)))

    def run(x):
        features = tf.nn.relu6(tf.nn.conv2d(x, kernel, 2, "SAME"))
        pooled = tf.reduce_mean(tf.pad(features, [[0, 0], [1, 1], [1, 1], [0, 0]]), [1, 2])
        return {"y": tf.nn.softmax(tf.reshape(pooled, [-1, 8]) @ dense)}

    return convert(run, {"x": [None, 16, 16, 3]}, "float16")


def convert_again(content):
    model = read(content, "m.tflite")
    return write(model, model.outputs, "m.tflite")


def mutated(content, seed):
    """Some bytes, some of them whole words of sizes and offsets, are others; or the end is off."""
    random = np.random.default_rng(seed)
    data = bytearray(content)
    for _ in range(random.integers(1, 6)):
        place = int(random.integers(8, len(data) - 4))
        if random.random() < 0.5:
            data[place] = random.integers(256)
        else:
            edges = (
                0,
                1,
                2**16,
                2**31 - 1,
                2**31,
                2**32 - 1,
                len(data),
                int(random.integers(2**32)),
            )
            word = edges[random.integers(len(edges))]
            data[place - place % 4 : place - place % 4 + 4] = word.to_bytes(4, "little")
    return bytes(data[: random.integers(8, len(data))] if seed % 7 == 0 else data)


def test_damaged_files_are_refused_or_read(content):
    convert_again(content)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    refused = 0
    for seed in range(MUTATIONS):
        try:
            convert_again(mutated(content, seed))
        except SourceError as error:
            refused += 1
            assert str(error).startswith("m.tflite: ")
            assert len(str(error).splitlines()) <= 2
    assert MUTATIONS // 10 < refused < MUTATIONS
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_maxrss - before.ru_maxrss < 300 * 1024
    assert time.process_time() - start < MUTATIONS


@pytest.mark.parametrize("end", [0, 7, 8, 40, -1])
def test_a_part_of_a_file_is_no_file(content, end):
    with pytest.raises(SourceError, match=r"this is no TFLite file|this TFLite file is damaged"):
        convert_again(content[:end] if end >= 0 else content[: len(content) // 2])
