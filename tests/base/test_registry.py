"""Plug-ins are found by what they declare, each of its own type and under a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import pipeline
from pipeline.base.registry import find_plugins
from pipeline.engine.step import StepFunction
from pipeline.export.contract import formats
from pipeline.optimize.contract import techniques
from pipeline.optimize.prune import TECHNIQUE as PRUNE
from pipeline.samples.read import read
from pipeline.sources.contract import sources


@dataclass(frozen=True)
class Kind:
    name: str


Declare = Callable[..., str]


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Makes a package of ``pipeline`` of modules, which declare what is given; its name."""
    monkeypatch.setattr(pipeline, "__path__", [*pipeline.__path__, str(tmp_path)])

    def write(package: str, **values: str) -> str:
        (tmp_path / package).mkdir()
        for module, value in values.items():
            text = f"from {__name__} import Kind\n{value}\n"
            (tmp_path / package / f"{module}.py").write_text(text)
        return package

    return write


def test_what_a_module_declares_is_found_by_its_own_name(declare: Declare) -> None:
    package = declare("names", module='KIND = Kind("first")', other="OTHER = 1")
    assert find_plugins(package, "KIND", Kind) == {"first": Kind("first")}


def test_what_is_of_another_type_is_refused(declare: Declare) -> None:
    package = declare("types", module='KIND = "first"')
    with pytest.raises(TypeError, match=r"pipeline\.types\.module\.KIND is no Kind"):
        find_plugins(package, "KIND", Kind)


def test_two_of_one_name_are_refused(declare: Declare) -> None:
    package = declare("twice", module='KIND = Kind("first")', other='KIND = Kind("first")')
    with pytest.raises(TypeError, match=r"two modules of pipeline.twice are called first"):
        find_plugins(package, "KIND", Kind)


def test_a_technique_is_a_step_or_a_codec() -> None:
    with pytest.raises(TypeError, match="prune needs a codec in the stage weights, else a step"):
        replace(PRUNE, stage="weights")


def test_every_step_of_a_plug_in_says_what_it_makes() -> None:
    steps: list[StepFunction] = [source.pull for source in sources().values()]
    steps += [read]
    steps += [technique.step for technique in techniques().values() if technique.step]
    for known in formats().values():
        steps += [known.convert, known.package]
    assert len(steps) > 20
    for step in steps:
        assert step.body.__doc__, step.name
        assert step.options_type.model_json_schema()
