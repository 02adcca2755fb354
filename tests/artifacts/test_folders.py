"""The folders between steps: one module knows the names of the files in each."""

from __future__ import annotations

import re
from collections import defaultdict
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
    "sizes.json": "publish/delivery/compress.py",
    "source.json": "artifacts/source_folder.py",
}

#: Those that what bisect writes for people to run has too: it lists its files itself.
REPRODUCED = {
    "inputs.safetensors": "artifacts/samples_folder.py",
    "model.json": "artifacts/converted.py",
    "model.onnx": "artifacts/converted.py",
    "weights.bin": "artifacts/converted.py",
}

NAME = re.compile(r'"([\w-]+\.(?:json|pb|bin|onnx|safetensors))"')


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
