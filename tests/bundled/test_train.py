"""The bundled MobileNet is what its facts say, and its training can be repeated."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools import train_digits as train

MODEL = Path(train.HERE) / "mobilenet_digits.h5"
FACTS = json.loads(MODEL.with_suffix(".json").read_text())


def test_the_facts_are_of_this_file() -> None:
    assert FACTS["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert MODEL.stat().st_size < 1_200_000


def test_the_facts_name_licences_and_recipe() -> None:
    assert (FACTS["license"], FACTS["data"]["license"]) == ("Apache-2.0", "CC-BY-4.0")
    assert "10.24432/C50P49" in FACTS["data"]["attribution"]
    assert FACTS["training"]["command"] == "python -m tools.train_digits --epochs 40"
    assert FACTS["training"]["seed"] == 0


def test_the_model_reads_digits_as_well_as_its_facts_say() -> None:
    import tf_keras
    from classes import accuracy

    model = tf_keras.models.load_model(MODEL, compile=False)
    assert (model.input_names, model.output_names) == (["image"], ["probabilities"])
    assert model.count_params() == FACTS["parameters"] == 221_114
    assert model.get_layer("conv_pw_13_relu").output.shape == (None, 2, 2, 256)
    test = train.examples("test")
    answers = model.predict(test.inputs[0], batch_size=128, verbose=0)
    measured = accuracy({"probabilities": answers}, test.targets[0])
    assert len(answers) == FACTS["accuracy"]["n"] == 360
    # Another processor may round the one image that lies between two digits the other way.
    assert measured == pytest.approx(FACTS["accuracy"]["value"], abs=1.5 / 360)
    assert measured >= 0.98


@pytest.mark.nightly
def test_training_twice_gives_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train.examples
    monkeypatch.setattr(train, "examples", lambda split: whole(split).rows(list(range(96))))
    for name in ("a", "b"):
        result = CliRunner().invoke(
            train.main, ["--epochs", "1", "--out", str(tmp_path / name)], catch_exceptions=False
        )
        assert "right on 96 held-out test images of the UCI" in result.output
    for file in ("mobilenet_digits.h5", "mobilenet_digits.json"):
        first, second = ((tmp_path / name / file).read_bytes() for name in ("a", "b"))
        assert first == second
