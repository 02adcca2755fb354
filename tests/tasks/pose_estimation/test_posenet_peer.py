"""Poses of heatmaps are those that PoseNet's own package decodes of the same maps."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly
from pose_cases import SEVERAL

from pipeline.tasks.find import Purpose
from pipeline.tasks.pose_estimation.answers import decode

PEER = Path(__file__).with_name("peer.mjs")

SIZES = [(5, 7, 2.0), (9, 9, 2.0), (14, 20, 1.0), (1, 4, 3.0)]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("posenet")
    words = ("npm", "pack", "--silent", "@tensorflow-models/posenet@2.2.2")
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


@pytest.mark.parametrize("size", [nightly(size) for size in SIZES])
def test_several_poses_are_the_packages(package: Path, size: tuple[int, int, float]) -> None:
    height, width, spread = size
    chance = np.random.default_rng(height * width)
    outputs: dict[str, Any] = {
        "heat": chance.normal(-1, 2, (1, height, width, 17)),
        "offset": chance.normal(0, 6, (1, height, width, 34)),
        "forward": chance.normal(0, 20 * spread, (1, height, width, 32)),
        "backward": chance.normal(0, 20 * spread, (1, height, width, 32)),
    }
    options = Purpose(name="pose-estimation", options={"heatmaps": SEVERAL, "max": 8}).about()
    given = {
        "outputs": {
            name: {"shape": values.shape, "data": values.ravel().tolist()}
            for name, values in outputs.items()
        },
        "options": options.options.model_dump(mode="json"),
    }
    answer = subprocess.run(
        ["node", PEER, package],
        input=json.dumps([given]),
        check=True,
        capture_output=True,
        text=True,
    )
    (wanted,) = json.loads(answer.stdout)
    size_of = np.array([16 * height, 16 * width])
    found = decode({name: values[0] for name, values in outputs.items()}, options.options, size_of)
    assert len(wanted) > 1
    np.testing.assert_allclose(found.scores, [pose["score"] for pose in wanted])
    places = [
        [[point["position"]["x"], point["position"]["y"]] for point in pose["keypoints"]]
        for pose in wanted
    ]
    np.testing.assert_allclose(found.points * size_of[::-1], places, atol=1e-6)
    sure = [[point["score"] for point in pose["keypoints"]] for pose in wanted]
    np.testing.assert_allclose(found.sure, sure)
