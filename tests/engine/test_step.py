"""A step says by its parameters which inputs it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.base.options import NoOptions
from pipeline.engine.graph import Node
from pipeline.engine.step import Inputs, step


@dataclass(frozen=True)
class Folder:
    """As an artifact folder is."""

    path: Path


@step()
def join(first: Folder, second: Path, third: Folder | None, options: NoOptions, work: Path) -> None:
    """Writes what it was given."""
    (work / "said").write_text(f"{first.path.name} {second.name} {third and third.path.name}")


@step()
def take_all(inputs: Inputs, options: NoOptions, work: Path) -> None:
    """Writes the names."""
    (work / "said").write_text(" ".join(inputs))


@pytest.mark.parametrize("more", [{}, {"third": Path("c")}])
def test_inputs_come_as_the_classes_of_their_folders(more: dict[str, Path], tmp_path: Path) -> None:
    join({"second": Path("b"), "first": Path("a"), **more}, NoOptions(), tmp_path)
    assert (tmp_path / "said").read_text() == f"a b {'c' if more else None}"


@pytest.mark.parametrize("names", [("first",), ("first", "second", "fourth")])
def test_a_plan_with_other_inputs_is_refused_as_it_is_made(names: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match=r"test_step:join takes .*(second|fourth)"):
        Node("join", join, NoOptions(), dict.fromkeys(names, "before"))


def test_files_from_outside_count_as_inputs() -> None:
    Node("join", join, NoOptions(), {"first": "before"}, {"second": Path("b")})


def test_a_body_that_takes_the_mapping_takes_any_names(tmp_path: Path) -> None:
    Node("all", take_all, NoOptions(), {"a": "before", "b": "before"})
    take_all({"a": tmp_path, "b": tmp_path}, NoOptions(), tmp_path)
    assert (tmp_path / "said").read_text() == "a b"
