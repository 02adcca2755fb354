"""MediaPipe's operators against NumPy, written as its sources are: point by point, with angles."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from flatbuffers import flexbuffers
from tflite_models import custom

from pipeline.base.errors import SourceError
from pipeline.graphs.tflite.read import read
from pipeline.graphs.tflite.write import write
from pipeline.sources.tensorflow.graph_model import graph_model

RANDOM = np.random.default_rng(0)


def run(name, arrays, output, options):
    content = custom(name, [array.shape for array in arrays], output, options)
    model = read(content, "m.tflite")
    graph = write(model, model.outputs, "m.tflite")
    loaded = graph_model(graph.graph_def, graph.inputs, graph.outputs)
    results = loaded.function(
        **{loaded.arguments[f"x{i}"]: array for i, array in enumerate(arrays)}
    )
    return results["y"].numpy()


def rotation(angle):
    matrix = np.eye(4)
    matrix[:2, :2] = [
        [math.cos(angle), -math.sin(angle)],
        [math.sin(angle), math.cos(angle)],
    ]
    return matrix


def shift(x, y):
    matrix = np.eye(4)
    matrix[:2, 3] = x, y
    return matrix


def matrix_of(points, options):
    """The product of five matrices."""
    left, right = points[options["left_rotation_idx"]], points[options["right_rotation_idx"]]
    way = math.atan2(right[1] - left[1], right[0] - left[0])
    angle = options["target_rotation_radians"] - way
    turned = [rotation(angle)[:2, :2] @ points[i, :2] for i in options["subset_idxs"]]
    low, high = np.min(turned, 0), np.max(turned, 0)
    centre = rotation(-angle)[:2, :2] @ ((low + high) / 2)
    width, height = options["output_width"], options["output_height"]
    scale = np.diag(
        [
            options["scale_x"] * (high - low)[0] / width,
            options["scale_y"] * (high - low)[1] / height,
            1,
            1,
        ]
    )
    return shift(*centre) @ rotation(-angle) @ scale @ shift(-width / 2, -height / 2)


@pytest.mark.parametrize("target", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("ends", [(0, 5), (5, 0), (3, 3)])
def test_matrix_of_landmarks(target, ends):
    points = RANDOM.uniform(0, 192, (1, 12, 3)).astype(np.float32)
    options = {
        **{"left_rotation_idx": ends[0], "right_rotation_idx": ends[1]},
        **{"output_height": 16, "output_width": 12, "scale_x": 1.5, "scale_y": 1.25},
        **{"subset_idxs": [0, 5, 7, 2, 9, 11], "target_rotation_radians": target},
    }
    ours = run("Landmarks2TransformMatrix", [points], (1, 4, 4), bytes(flexbuffers.Dumps(options)))
    np.testing.assert_allclose(ours[0], matrix_of(points[0], options), rtol=1e-5, atol=1e-3)


def value_at(features, x, y):
    height, width, channels = features.shape
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        return np.zeros(channels)
    column, row = math.floor(x), math.floor(y)
    total = np.zeros(channels)
    for right in (0, 1):
        for lower in (0, 1):
            if row + lower < height and column + right < width:
                share_x, share_y = abs(1 - right - (x - column)), abs(1 - lower - (y - row))
                total += share_x * share_y * features[row + lower, column + right]
    return total


@pytest.mark.parametrize("angle", [0.0, 0.3, 3.0])
def test_features_are_resampled(angle):
    features = RANDOM.normal(0, 1, (1, 9, 7, 3)).astype(np.float32)
    matrix = shift(3.2, 4.1) @ rotation(angle) @ np.diag([2.5, 2.2, 1, 1]) @ shift(-2, -3)
    options = bytes(flexbuffers.Dumps({"output_height": 6, "output_width": 4}))
    arrays = [features, matrix[None].astype(np.float32)]
    ours = run("TransformTensorBilinear", arrays, (1, 6, 4, 3), options)[0]
    wanted = np.zeros((6, 4, 3))
    for row in range(6):
        for column in range(4):
            x, y = (matrix @ [column + 0.5, row + 0.5, 0, 1])[:2] - 0.5
            wanted[row, column] = value_at(features[0], x, y)
    np.testing.assert_allclose(ours, wanted, atol=1e-5)
    assert (wanted == 0).any()
    assert (wanted != 0).any()


@pytest.mark.parametrize("numbers", [2, 3])
def test_landmarks_are_moved(numbers):
    points = RANDOM.normal(0, 10, (1, 5, numbers)).astype(np.float32)
    matrix = shift(3, 4) @ rotation(0.5)
    ours = run("TransformLandmarks", [points, matrix[None].astype("f4")], points.shape, b"")[0]
    wanted = points[0].copy()
    for point in wanted:
        point[:2] = (matrix @ [point[0], point[1], 0, 1])[:2]
    np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize(("padding", "kernel", "stride"), [(1, 2, 2), (1, 3, 2), (2, 3, 2)])
def test_convolution_is_transposed_with_a_bias(size, padding, kernel, stride):
    image = RANDOM.normal(0, 1, (1, size, size + 1, 4)).astype(np.float32)
    weights = RANDOM.normal(0, 1, (3, kernel, kernel, 4)).astype(np.float32)
    bias = RANDOM.normal(0, 1, 3).astype(np.float32)
    cut = [
        max(0, kernel - (side - 1) % stride - 1) if padding == 1 else 0 for side in (size, size + 1)
    ]
    full = np.zeros((stride * (size - 1) + kernel, stride * size + kernel, 3))
    for row in range(size):
        for column in range(size + 1):
            part = np.einsum("ohwi,i->hwo", weights, image[0, row, column])
            top, left = row * stride, column * stride
            full[top : top + kernel, left : left + kernel] += part
    top, left = cut[0] // 2, cut[1] // 2
    rows, columns = full.shape[0] - cut[0], full.shape[1] - cut[1]
    wanted = full[top : top + rows, left : left + columns] + bias
    options = struct.pack("<3i", padding, stride, stride)
    ours = run("Convolution2DTransposeBias", [image, weights, bias], (1, *wanted.shape), options)
    np.testing.assert_allclose(ours[0], wanted, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["Convolution2DTransposeBias", "Landmarks2TransformMatrix", "TransformTensorBilinear"]
)
@pytest.mark.parametrize("options", [b"", b"\0", bytes(40), b"\xff" * 40], ids=len)
def test_options_that_are_damaged_are_refused(name, options):
    arrays = [np.zeros(shape, "f4") for shape in ((1, 4, 4, 3), (1, 4, 4), (3,))]
    with pytest.raises(SourceError, match=name):
        run(name, arrays, (1, 4, 4), options)
