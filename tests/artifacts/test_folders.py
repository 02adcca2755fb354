"""The folders between steps, and the published one: one module knows the names of their files."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "pipeline"

#: File -> the module that knows its name.
OWNERS = {
    "artifact.json": "artifacts/artifact.py",
    "bisect.json": "bisect/find.py",
    "canary.json": "validate/canary.py",
    "frozen.pb": "artifacts/frozen.py",
    "golden.json": "artifacts/samples_folder.py",
    "half.json": "artifacts/proof.py",
    "identity.json": "artifacts/source_folder.py",
    "origins.json": "graphs/origins.py",
    "outputs.safetensors": "artifacts/samples_folder.py",
    "portable.json": "artifacts/proof.py",
    "ranges.json": "artifacts/proof.py",
    "result.json": "artifacts/proof.py",
    "samples.json": "artifacts/samples_folder.py",
    "signature.json": "tensors/signature.py",
    "sizes.json": "artifacts/proof.py",
    "source.json": "artifacts/source_folder.py",
}

#: Those that what bisect writes for people to run has too: it lists its files itself.
REPRODUCED = {
    "inputs.safetensors": "artifacts/samples_folder.py",
    "model.json": "artifacts/converted.py",
    "model.onnx": "artifacts/converted.py",
    "weights.bin": "artifacts/converted.py",
}

#: What is published; and what else has a file of that name.
PUBLISHED = {
    "index.html": {"bisect/pages.py", "publish/delivery/demo.py"},
    "index.json": {"bisect/source.py", "download/fetch.py"},
    "manifest.json": set(),
    "page.json": set(),
    "report.html": set(),
    "report.json": set(),
    "report.md": set(),
}

NAME = re.compile(r'"([\w-]+\.(?:html|json|md|pb|bin|onnx|safetensors))"')


@cache
def named() -> dict[str, set[str]]:
    """File name -> the modules in which it stands as a string of its own."""
    places = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        if "node_modules" not in path.parts:
            for name in NAME.findall(path.read_text()):
                places[name].add(path.relative_to(PACKAGE).as_posix())
    return places


@pytest.mark.parametrize(("name", "owner"), OWNERS.items())
def test_one_module_knows_a_files_name(name: str, owner: str) -> None:
    assert named()[name] == {owner}


@pytest.mark.parametrize(("name", "owner"), REPRODUCED.items())
def test_a_reproduction_has_names_of_its_own(name: str, owner: str) -> None:
    others = {place for place in named()[name] if not place.startswith("bisect/")}
    assert others == {owner}


@pytest.mark.parametrize(("name", "others"), PUBLISHED.items())
def test_one_module_knows_what_lies_where_in_a_cdn_folder(name: str, others: set[str]) -> None:
    assert named()[name] - others == {"storage/layout.py"}


def strings(module: ast.Module) -> Iterator[str]:
    """Every string of a module that is no docstring."""
    texts = {
        id(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.value


def test_no_other_module_joins_paths_of_releases() -> None:
    joined = re.compile("(^|/)(releases|files|runtimes)/")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "node_modules" not in path.parts
        and any(map(joined.search, strings(ast.parse(path.read_text()))))
    }
    # A list of the client's own sources.
    assert found == {"backends/web/packages.py"}
