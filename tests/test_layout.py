"""The house: a folder imports from folders below it only, and nothing imports itself in a circle.

All imports are read, those within functions and those for types too.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pipeline"

#: The folders of ``pipeline/`` from the roof down. Each may import what stands below it.
HOUSE = (
    *("__init__", "api", "cli", "draft", "build", "report", "search", "bisect", "fitting", "plan"),
    *("publish", "validate", "config", "samples", "optimize", "export", "tasks", "inputs"),
    *("sources", "graphs", "cdn", "manifest", "measures", "backends", "engine"),
    *("artifacts", "weights", "tensors", "storage", "download", "environment", "base"),
    *("client", "bundled"),
)

Module = tuple[str, ...]


@cache
def modules() -> dict[Module, Path]:
    """Every module of the package, as the parts of its name below ``pipeline``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "node_modules" not in path.parts:
            name = path.relative_to(PACKAGE).with_suffix("").parts
            found[name[:-1] if name[-1] == "__init__" and len(name) > 1 else name] = path
    return found


def imported(tree: ast.AST) -> Iterator[tuple[Module, int]]:
    """The modules of the package that a module imports, wherever it does so; and the lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [[*node.module.split("."), alias.name] for alias in node.names]
        else:
            continue
        for package, *parts in names:
            if package == "pipeline":
                yield _module(tuple(parts)), node.lineno


def _module(parts: Module) -> Module:
    """The module that a dotted name means: itself, or the one that defines what it names."""
    while parts and parts not in modules():
        parts = parts[:-1]
    return parts or ("__init__",)


@cache
def arrows() -> dict[Module, dict[Module, int]]:
    """Module -> what it imports -> the line where it first does."""
    found: dict[Module, dict[Module, int]] = {}
    for name, path in modules().items():
        found[name] = {}
        for target, line in imported(ast.parse(path.read_text())):
            if target != name:
                found[name].setdefault(target, line)
    return found


def test_every_folder_has_its_place() -> None:
    assert {name[0] for name in modules()} - {*HOUSE} == set()


def test_no_arrow_points_up() -> None:
    upward = [
        f"{modules()[name].relative_to(PACKAGE.parent)}:{line} imports {'.'.join(target)}"
        for name, targets in arrows().items()
        for target, line in targets.items()
        if HOUSE.index(name[0]) > HOUSE.index(target[0])
    ]
    assert upward == []


@pytest.mark.parametrize("depth", [1, 2, 9], ids=["folders", "folders in folders", "modules"])
def test_there_is_no_circle(depth: int) -> None:
    below: dict[Module, set[Module]] = {}
    for name, targets in arrows().items():
        room = _room(name, depth)
        below.setdefault(room, set()).update({_room(target, depth) for target in targets} - {room})
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(".".join(room) for room in reversed(error.args[1])))


def _room(module: Module, depth: int) -> Module:
    """A module itself, or the folder that deep in which it stands."""
    return module if depth >= len(module) and not _is_folder(module) else module[:depth]


def _is_folder(module: Module) -> bool:
    return modules()[module].name == "__init__.py"


#: Where tasks are named: in their folders, and what was trained for one.
NAMING = ("tasks", "inputs", "bundled")


def test_no_module_names_a_task() -> None:
    """All else asks the task that a config names. Tensors are things too, so of that word only a
    string is looked for, as the value of something called a task.
    """
    names = "|".join(folder.name for folder in (PACKAGE / "tasks").glob("[a-z]*/"))
    named = re.compile(
        names.replace("|tensors", "").replace("tensors|", "").replace("_", "[-_]")
        + r"|task\w*\W{1,4}[\"']tensors[\"']"
    )
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{number}: {line.strip()}"
        for name, path in modules().items()
        if name[0] not in NAMING
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if named.search(line)
    ]
    assert found == []


def test_no_two_test_files_have_one_name() -> None:
    """Pytest imports them by it, and takes the second for the first."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert [name for name, count in Counter(names).items() if count > 1] == []
