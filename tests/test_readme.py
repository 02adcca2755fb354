"""README.md says what is so. Its configs and scripts are run by test_build.py."""

from __future__ import annotations

import re
import subprocess

import yaml
from readme import ROOT, code

from pipeline.cli import COMMANDS
from pipeline.config import Gates
from pipeline.registry import discover

README = (ROOT / "README.md").read_text()


def test_the_config_shown_is_the_default_one() -> None:
    committed = (ROOT / "configs" / "mobilenet.yaml").read_text()
    assert yaml.safe_load(code("yaml")[0]) == yaml.safe_load(committed)


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README


def test_the_short_config_has_ten_lines() -> None:
    assert len(code("yaml")[1].splitlines()) == 10


def test_make_has_every_target_named() -> None:
    targets = set(re.findall(r"(?:`|\$ )make ([a-z]+)", README))
    assert {"build", "test", "bench"} <= targets
    for target in targets:
        command = ["make", "--dry-run", "--silent", target]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def test_every_command_named_exists() -> None:
    for name in re.findall(r"`pipeline (\w+)", README):
        assert name in COMMANDS


def test_every_kind_is_listed() -> None:
    for package, marker in (("sources", "pull"), ("samples", "read"), ("export", "FORMAT")):
        for kind in discover(package, marker):
            assert f"`{kind}`" in README, kind
    for name in (*discover("backends", "open_session"), *Gates.model_fields):
        assert f"`{name}`" in README, name
    for name in discover("optimize", "KEY"):
        assert name in README, name
