"""What the wheel carries: the locks, and every file that builds read."""

from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path

from readme import ROOT
from wheels import build_wheel, list_files

from pipeline.environment.place import COMMANDS, LOCK

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

#: For those who work on the package.
OURS = {
    *(f"client/{name}" for name in (".npmrc", "README.md", "package-lock.json", "tsconfig.json")),
}


def test_the_wheel_has_every_file_of_the_package(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(tmp_path)) as wheel:
        carried = {name for name in wheel.namelist() if ".dist-info/" not in name}
        commands = wheel.read(next(n for n in wheel.namelist() if n.endswith("entry_points.txt")))
    files = {name for name in list_files() if name.startswith("pipeline/")}
    left = {name.removeprefix("pipeline/") for name in files - carried}
    assert {name for name in left if not name.endswith("/cases.json")} == OURS
    assert carried <= files
    assert set(re.findall(r"^([\w-]+) = ", commands.decode(), re.MULTILINE)) == {*COMMANDS}


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
