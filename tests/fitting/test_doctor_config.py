"""A source that is given its images in another way than in its training is told, and mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import pipeline
from PIL import Image

CLASSES = ("bright_blue", "bright_red", "dark_blue", "dark_red")

CONFIG = """\
name: colours
license: MIT
task: image-classification
source: {keras_file: model.h5}
samples: {images: {folder: pictures, test_share: 0.5}}
input: {image: {size: [4, 4], color: rgb, scale: [0, 1]}}
variants: {fp32: {}}
export: {onnx: {}}
validate: {backends: [onnxruntime-cpu], repeats: 4}
publish: {to: cdn}
"""


def pictures() -> tuple[Any, Any]:
    """uint8 [n, 8, 8, 3], red or blue, bright or dark, with noise; and the class, [n]."""
    chance = np.random.default_rng(0)
    labels = np.arange(160) % len(CLASSES)
    shades = np.float32([[130, 130, 230], [230, 130, 130], [10, 10, 90], [90, 10, 10]])
    noise = chance.normal(0, 10, (160, 8, 8, 3))
    return np.clip(shades[labels][:, None, None] + noise, 0, 255).astype(np.uint8), labels


def train(path: Path) -> None:
    """A classifier that reads BGR from -1 to 1, as OpenCV's users train it."""
    import tf_keras

    images, labels = pictures()
    seen = images[:, 1::2, 1::2, ::-1].astype(np.float32) / 127.5 - 1
    tf_keras.utils.set_random_seed(0)
    model = tf_keras.Sequential(
        [
            tf_keras.Input((4, 4, 3), name="image"),
            tf_keras.layers.GlobalAveragePooling2D(),
            tf_keras.layers.Dense(16, activation="tanh"),
            tf_keras.layers.Dense(len(CLASSES), activation="softmax", name="scores"),
        ]
    )
    model.compile(tf_keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(seen, labels, epochs=30, verbose=0)
    assert history.history["accuracy"][-1] > 0.98
    model.save(path, include_optimizer=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model, its pictures in folders by class, and a config that is wrong."""
    place = tmp_path_factory.mktemp("colours")
    train(place / "model.h5")
    images, labels = pictures()
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = place / "pictures" / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{index}.png")
    (place / "colours.yaml").write_text(CONFIG)
    return place


def run(place: Path, *words: str, code: int) -> str:
    done = pipeline(*words, cwd=place, check=code)
    return done.output if code else done.stdout


def test_a_source_near_chance_is_not_published(place: Path) -> None:
    text = " ".join(run(place, "build", "colours.yaml", code=3).split())
    assert "Do not ship: accuracy of the source model itself is " in text
    assert "no more than chance explains: one answer to all gets " in text
    assert "Ready to ship" not in text
    assert "`pipeline doctor CONFIG` tries the usual ones" in text
    assert not (place / "cdn" / "colours" / "latest.json").exists()


def test_a_source_far_below_what_it_is_known_for_is_not_published(place: Path) -> None:
    stated = ("--set", "source.accuracy=0.95")
    text = " ".join(run(place, "build", "colours.yaml", *stated, code=3).split())
    assert ", and source.accuracy says 95.00%" in text
    # Whoever says that it is no better is believed.
    run(place, "build", "colours.yaml", "--set", "source.accuracy=0.02", code=0)
    assert (place / "cdn" / "colours" / "latest.json").exists()


def test_doctor_says_what_fits(place: Path) -> None:
    text = run(place, "doctor", "colours.yaml", code=0)
    lines = text[text.index("right ") :].splitlines()
    assert lines[1].split()[0] == "100.00%"
    assert "[-1, 1]" in lines[1] and "BGR" in lines[1] and lines[1].endswith("better")
    assert sum(line.endswith("the config's") for line in lines) == 1
    assert "input: {image: {size: [4, 4], color: bgr, scale: [-1, 1]}}" in text
    # What it says is right, is right.
    right = ("--set", "input.image={size: [4, 4], color: bgr, scale: [-1, 1]}")
    assert "Nothing fits clearly better" in run(place, "doctor", "colours.yaml", *right, code=0)


def test_doctor_for_machines(place: Path) -> None:
    text = run(place, "doctor", "colours.yaml", "--json", code=0)
    found = json.loads(text.splitlines()[-1])
    best = found["tried"][0]
    assert (best["way"]["scale"], best["way"]["channels"]) == ("[-1, 1]", "BGR")
    assert best["better"] and best["sayable"]
    assert found["config"]["way"]["scale"] == "[0, 1]"
    assert found["config"]["high"] < best["low"]
    assert {row["way"]["resize"] for row in found["tried"]} > {"bilinear", "area"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("task=tensors", "the task tensors has no scores of classes to tell right from wrong by"),
        ("samples={random: {}}", "samples of the kind random are taken as they are"),
        ("input={tensors: {}}", "nothing says what size and colour the model's images have"),
    ],
)
def test_what_cannot_be_tried_is_said_before_any_work(place: Path, change: str, said: str) -> None:
    text = run(place, "doctor", "colours.yaml", "--set", change, "--store", "other", code=2)
    assert said in " ".join(text.split())
    assert not (place / "other" / "steps").exists()
