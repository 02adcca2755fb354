"""A step says by its parameters which inputs it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.base.options import NoOptions
from pipeline.engine.graph import Node
from pipeline.engine.step import Files, step


@dataclass(frozen=True)
class Folder:
    """As an artifact folder is."""

    path: Path


@step()
def join(first: Folder, second: Path, third: Folder | None, options: NoOptions, work: Path) -> None:
    """Writes what it was given."""
    (work / "said").write_text(f"{first.path.name} {second.name} {third and third.path.name}")


@step()
def take_any(first: Folder, others: Files, options: NoOptions, work: Path) -> None:
    """Writes the names of what it was given besides."""
    (work / "said").write_text(" ".join([first.path.name, *others]))


@dataclass(frozen=True)
class Shared:
    """What several steps are given."""

    first: Folder
    second: Folder | None
    others: Files


@step()
def take_shared(inputs: Shared, options: NoOptions, work: Path) -> None:
    """Writes what it was given."""
    names = [inputs.first.path.name, str(inputs.second), *inputs.others]
    (work / "said").write_text(" ".join(names))


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


def test_what_else_is_given_comes_as_files(tmp_path: Path) -> None:
    Node("any", take_any, NoOptions(), dict.fromkeys(("first", "options", "b"), "before"))
    take_any({"first": Path("a"), "options": tmp_path, "b": tmp_path}, NoOptions(), tmp_path)
    assert (tmp_path / "said").read_text() == "a options b"


def test_inputs_that_steps_share_are_one_object(tmp_path: Path) -> None:
    assert list(take_shared.inputs) == ["first", "second"]
    with pytest.raises(TypeError, match=r"take_shared takes .*first"):
        Node("shared", take_shared, NoOptions(), {"second": "before"})
    take_shared({"first": Path("a"), "c": tmp_path}, NoOptions(), tmp_path)
    assert (tmp_path / "said").read_text() == "a None c"
