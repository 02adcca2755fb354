"""A page reads texts as Python's tokenizers do: the same ids at the same places, in all scripts."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import text_cases

TWIN = Path(__file__).with_name("text_twin.mjs")


def compare(count: int, seed: int, folder: Path) -> dict[str, Any]:
    file = folder / "cases.json"
    file.write_text(json.dumps(text_cases.cases(count, seed)))
    command = ["node", str(TWIN), str(file), str(text_cases.FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_some_hundred_strings_of_all_scripts_are_read_alike(tmp_path: Path) -> None:
    told = compare(300, 0, tmp_path)
    assert told["compared"] > 300 * len(text_cases.names()) > 2000
    assert told["wrong"] == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_strings_are_read_alike(seed: int, tmp_path: Path) -> None:
    told = compare(10_000, seed, tmp_path)
    assert told["compared"] > 100_000 and told["wrong"] == []


@pytest.mark.nightly
def test_the_tables_are_those_of_the_library() -> None:
    from tools.unicode_tables import FILE, text

    tables = re.compile('"([0-9a-z ]{9,})"')
    assert tables.findall(FILE.read_text()) == tables.findall(text())
