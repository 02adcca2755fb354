"""What the wheel carries: the locks, and every file that builds read. Nothing is built here."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from readme import ROOT

from pipeline.environment.place import LOCK

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

#: For those who work on the package.
OURS = {
    *(f"client/{name}" for name in (".npmrc", "README.md", "package-lock.json", "tsconfig.json")),
}


def test_every_file_of_the_package_is_in_the_wheel() -> None:
    package = ROOT / "pipeline"
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["pipeline"]
    carried = {path.relative_to(package).as_posix() for p in patterns for path in package.glob(p)}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
        cwd=package, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    left = {name for name in listed if not name.endswith((".py", "/cases.json"))} - carried
    assert left == OURS


def pins(lock: Path) -> dict[str, str]:
    """Package -> its pin with all hashes."""
    blocks = re.split(r"^(?=\w)", lock.read_text(), flags=re.MULTILINE)[1:]
    return {block.partition("==")[0]: block for block in blocks}


def test_the_wheels_lock_is_a_part_of_the_clones() -> None:
    ours, all_ = pins(LOCK), pins(ROOT / "requirements.lock")
    assert ours.items() <= all_.items()
    assert all("--hash=sha256:" in block for block in ours.values())
    assert "pytest" in all_ and "pytest" not in ours


def test_the_locks_have_what_pyproject_names() -> None:
    for group, lock in (("environment", LOCK), ("dev", ROOT / "requirements.lock")):
        named = [one for one in PYPROJECT["dependency-groups"][group] if isinstance(one, str)]
        names = [re.split(r"[^\w.-]", one)[0].lower() for one in named]
        assert {*names} <= {*pins(lock)}


def test_an_installer_gets_click_and_nothing_else() -> None:
    assert [one.partition(">")[0] for one in PYPROJECT["project"]["dependencies"]] == ["click"]
    assert "optional-dependencies" not in PYPROJECT["project"]
