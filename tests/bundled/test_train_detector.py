"""The bundled detector is what its facts say, and its training can be repeated."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.bundled.drawings import SIZE, drawings
from pipeline.tasks.object_detection.anchors import make_anchors
from pipeline.tasks.object_detection.decode import decode
from tools import train_detector as train

MODEL = Path(train.HERE) / "digits_detector.h5"
FACTS = json.loads(MODEL.with_suffix(".json").read_text())


def test_the_facts_are_of_this_file() -> None:
    assert FACTS["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert MODEL.stat().st_size < 1_000_000
    assert (FACTS["license"], FACTS["data"]["license"]) == ("Apache-2.0", "CC-BY-4.0")
    assert "10.24432/C50P49" in FACTS["data"]["attribution"]


def test_it_finds_digits_as_well_as_its_facts_say() -> None:
    import tf_keras

    model = tf_keras.models.load_model(MODEL, compile=False)
    assert (model.input_names, model.output_names) == (["image"], ["boxes", "scores"])
    assert model.count_params() == FACTS["parameters"]
    measured = train.measure(model)
    assert measured["samples"] == FACTS["accuracy"]["n"] == 150
    assert measured["value"] == pytest.approx(FACTS["accuracy"]["value"], abs=0.005)


def test_what_is_taught_is_decoded_to_the_same_boxes() -> None:
    """By the code that answers, which trains nothing."""
    options = train.purpose().about().options
    anchors = make_anchors(options.anchors)
    for _, objects in list(drawings("test"))[:30]:
        boxes, scores = train.targets(objects, anchors, np.array(options.boxes.scale))
        told = decode({"boxes": boxes[:, :4], "scores": scores[:, :-1]}, options)
        taught = np.flatnonzero(boxes[:, 4])
        pairs = set()
        for row in taught:
            index = int(scores[row, :-1].argmax())
            corners = told.boxes[row] * SIZE
            box = [*corners[:2], *(corners[2:] - corners[:2])]
            matching = [n for n, one in enumerate(objects) if np.allclose(one["box"], box)]
            assert [objects[n]["label"] for n in matching] == [str(index)]
            pairs.update(matching)
        assert pairs == {*range(len(objects))}, "each digit is taught to some anchor"
        none = (boxes[:, 4] == 0) & (scores[:, -1] == 1)
        assert not scores[none, :-1].any() and none.sum() > len(anchors) / 2


@pytest.mark.nightly
def test_training_twice_gives_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "STEPS", 3)
    for name in ("a", "b"):
        words = ["--epochs", "1", "--out", str(tmp_path / name)]
        CliRunner().invoke(train.main, words, catch_exceptions=False)
    for file in ("digits_detector.h5", "digits_detector.json"):
        first, second = ((tmp_path / name / file).read_bytes() for name in ("a", "b"))
        assert first == second
