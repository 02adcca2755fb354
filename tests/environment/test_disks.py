"""Environments on disks that are full or read-only: an error of two lines, or what is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import namespaces
import pytest
from readme import ROOT

from pipeline.environment import place
from pipeline.environment.make import ensure
from pipeline.environment.place import ASIDE

pytestmark = pytest.mark.usefixtures("package")

#: In a process of its own, as mounts are for processes: what ``ensure`` comes to.
SCRIPT = """\
import sys
sys.path.insert(0, "tests/environment")
from pathlib import Path
import conftest
from pipeline.base.errors import PipelineError
from pipeline.environment import make, place
def fill(environment, tools):
    with (environment.folder / "large").open("wb") as file:
        file.write(bytes(2**23))
for name, value in conftest.patches(Path(sys.argv[1])).items():
    setattr(make, name, value)
make.NEEDED_BYTES = 0
if sys.argv[2] == "fill":
    make._PARTS["large"] = fill
try:
    environment, _ = make.ensure(print)
    print("whole", environment.is_whole())
except PipelineError as error:
    print(f"error: {error}")
print("left", len(list(place.root().glob(".aside-*"))))
"""


def ended(package: Path, mounts: str, what: str = "") -> list[str]:
    """The lines that a process prints which finds its environments on such a mount."""
    namespaces.require()
    place.root().mkdir(exist_ok=True)
    script = [sys.executable, "-c", SCRIPT, package, what]
    command = namespaces.behind(mounts, place.root(), *script)
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_a_disk_that_fills_is_told_and_left_clean(package: Path) -> None:
    *_, what, todo, left = ended(package, 'mount -t tmpfs -o size=6m none "$0"', "fill")
    assert what == f"error: {place.root()}: No space left on device"
    assert (f"{place.VARIABLE}=/path" in todo, left) == (True, "left 0")


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'


def test_a_folder_that_is_read_only_is_named(package: Path) -> None:
    *_, what, todo, left = ended(package, READ_ONLY)
    assert what == f"error: {place.root()}: Read-only file system"
    assert (f"{place.VARIABLE}=/path" in todo, left) == (True, "left 0")


def test_what_is_whole_is_used_where_nothing_can_be_written(package: Path) -> None:
    """As where an administrator made it for all."""
    ensure(lambda line: None)
    assert ended(package, READ_ONLY) == ["whole True", "left 0"]
    (place.root() / f"{ASIDE}old").mkdir()
    assert ended(package, READ_ONLY) == ["whole True", "left 1"]
