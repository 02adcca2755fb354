"""The API by another process: this interpreter, which has the locked packages, is asked in JSON."""

from __future__ import annotations

import inspect
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from readme import ROOT

from pipeline import api
from pipeline.base.errors import ConfigError, PipelineError
from pipeline.config import file
from pipeline.environment import remote
from pipeline.publish.release.release import PublishedRelease

CONFIG = "configs/mobilenet.yaml"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_run", lambda: SimpleNamespace(python=sys.executable))
    monkeypatch.setattr(remote.enter, "_UNWANTED", ())
    monkeypatch.chdir(ROOT)


def test_a_config_comes_with_its_values() -> None:
    ours = file.load_config(CONFIG, ["publish.channel=next"])
    theirs = remote.load_config(CONFIG, ["publish.channel=next"])
    assert (theirs.name, theirs.values["labels"]) == (ours.name, ours.labels)
    assert theirs.values["publish"]["channel"] == "next"
    assert (theirs.path, theirs.overrides) == (ROOT / CONFIG, ("publish.channel=next",))


def test_an_error_is_raised_here_as_it_was_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as theirs:
        remote.load_config(CONFIG, ["publish.channel=a b", "nmae=x"])
    with pytest.raises(ConfigError) as ours:
        file.load_config(CONFIG, ["publish.channel=a b", "nmae=x"])
    assert str(theirs.value) == str(ours.value)


def test_a_build_that_cannot_begin_says_so(tmp_path: Path) -> None:
    config = remote.load_config(CONFIG)
    with pytest.raises(PipelineError) as raised:
        remote.build(config, store=tmp_path / "store", sign_key=tmp_path / "no-key")
    assert "no-key" in str(raised.value)
    assert not (tmp_path / "store" / "steps").exists()


def test_a_process_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_ANSWER", "import os; os._exit(9)")
    with pytest.raises(PipelineError, match="ended with 9"):
        remote.load_config(CONFIG)


def test_both_ways_take_and_give_the_same() -> None:
    """By which editors and type checkers may take the one for the other."""
    assert inspect.signature(api.build) == inspect.signature(remote.build)
    assert inspect.signature(file.load_config) == inspect.signature(remote.load_config)
    ours, theirs = (
        {field.name: field.type for field in fields(kind)}
        for kind in (PublishedRelease, remote.PublishedRelease)
    )
    assert [*ours] == [*theirs]
    assert {name for name in ours if ours[name] != theirs[name]} == {"manifest"}


def test_what_a_config_has_not_there_is_told() -> None:
    config = remote.load_config(CONFIG)
    with pytest.raises(AttributeError, match=r"config\.values\['labels'\]"):
        _ = config.labels
