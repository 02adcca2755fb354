"""What documents name is there: paths, links, commands, plug-ins, decisions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from readme import ROOT
from test_layout import HOUSE

from pipeline.base.registry import discover
from pipeline.cli.main import COMMANDS

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
INDEX = ROOT / "docs" / "decisions" / "README.md"
READMES = [ROOT / "README.md", ROOT / "pipeline" / "client" / "README.md"]
DOCUMENTS = [CONTRIBUTING, INDEX, *DECISIONS, *READMES]

#: Paths of this repository: those that begin in one of its folders, Python files, modules that are
#: run, and links. Others are of a CDN folder.
PATH = re.compile(r"(?<![\w./])(?:pipeline|tests|docs|tools|configs|\.github)/[\w./<>-]*[\w/>]")
CODE = re.compile(r"`([\w./-]+\.py)`")
MODULE = re.compile(r"python -m ((?:tests|tools|pipeline)\.[\w.]*\w)")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")

#: Where code may refer to a decision.
REFERRING = ("pipeline/**/*.py", "pipeline/**/*.js", "tests/**/*.py", "tools/*.py")
ALSO = ("Makefile", "pyproject.toml", "biome.jsonc")


def named(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_path_and_link_exists(document: Path) -> None:
    text = document.read_text()
    # Of `pipeline/sources/<kind>.py` the folder has to be there.
    paths = {ROOT / path.partition("<")[0] for path in (*PATH.findall(text), *CODE.findall(text))}
    paths |= {ROOT / path.replace(".", "/") for path in MODULE.findall(text)}
    links = {link for link in LINK.findall(text) if "://" not in link}
    paths |= {document.parent / link for link in links}
    absent = [path for path in sorted(paths) if not path.exists()]
    assert [path for path in absent if not path.with_suffix(".py").exists()] == []


def test_contributing_is_short_and_lists_the_house_from_the_roof_down() -> None:
    text = CONTRIBUTING.read_text()
    assert len(text.splitlines()) <= 150
    listed = re.findall(r"^([a-z]+) {2,}\S", text, re.MULTILINE)
    assert listed == [name for name in HOUSE if name != "__init__"]


def test_every_target_and_command_of_contributing_exists() -> None:
    text = CONTRIBUTING.read_text()
    targets = set(re.findall(r"`make (\w+)", text))
    known = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets and targets <= known
    commands = set(re.findall(r"`(?:\.venv/bin/)?pipeline (\w+)", text))
    assert commands and commands <= {*COMMANDS}


def test_every_marker_finds_plug_ins() -> None:
    rows = re.findall(
        r"^\|[^|]+\| `pipeline/([\w/]+)/<\w+>\S* \| `(\w+)` \|", CONTRIBUTING.read_text(), re.M
    )
    assert len(rows) == 9
    for folder, marker in rows:
        assert discover(folder.replace("/", "."), marker), (folder, marker)


def test_every_decision_is_listed_once_by_its_title() -> None:
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", INDEX.read_text(), re.MULTILINE)
    titles = [(path.read_text().partition("\n")[0].removeprefix("# "), path) for path in DECISIONS]
    assert sorted(listed) == sorted((title, path.name) for title, path in titles)
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("decision", DECISIONS, ids=named)
def test_a_decision_is_short_and_says_what_would_change_it(decision: Path) -> None:
    text = decision.read_text()
    assert 8 <= len(text.splitlines()) <= 30
    assert "**Why" in text
    assert "**What would change our mind.**" in text


def test_code_refers_to_decisions_that_exist() -> None:
    files = [path for pattern in REFERRING for path in ROOT.glob(pattern)]
    files = [path for path in files if "node_modules" not in path.parts and path != Path(__file__)]
    names = {
        name
        for path in (*files, *(ROOT / name for name in ALSO))
        for name in re.findall(r"docs/decisions/([\w.-]*\w)", path.read_text())
    }
    assert names
    assert names <= {path.name for path in DECISIONS}
