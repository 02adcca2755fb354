"""The model that ships with the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.sources.bundled import Options, pull
from pipeline.sources.load import load


def test_pulled_with_its_facts(tmp_path: Path) -> None:
    options = Options.model_validate("mobilenet_digits")
    pull(options.local_paths(), options, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"facts.json", "model.h5", "source.json"}
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert {"description", "license", "accuracy"} <= set(facts)
    (image,) = load(tmp_path).signature.inputs
    assert image.shape == (None, 64, 64, 3)


def test_content_is_an_input_not_a_name() -> None:
    paths = Options(name="mobilenet_digits").local_paths()
    assert sorted(paths) == ["facts", "model"]
    assert all(path.is_file() for path in paths.values())


def test_unknown_name() -> None:
    with pytest.raises(ValidationError, match="did you mean 'mobilenet_digits'"):
        Options(name="mobilnet_digits")
