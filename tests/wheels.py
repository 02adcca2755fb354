"""The wheel of this package, built as from a fresh clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from readme import ROOT

UV = Path(sys.prefix) / "bin" / "uv"


def build_wheel(folder: Path) -> Path:
    """Built in ``folder`` of what git has, and of what users of a clone leave in it."""
    source = folder / "source"
    for name in list_files():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    for name in ("client/node_modules/@a/b/c.js", "backends/web/node_modules/d/__init__.py"):
        left = source / "pipeline" / name
        left.parent.mkdir(parents=True)
        left.touch()
    command = [UV, "build", "--wheel", "--quiet", "--no-build-isolation", "--python"]
    subprocess.run([*command, sys.executable, "--out-dir", folder, source], check=True)
    shutil.rmtree(source)
    return next(folder.glob("*.whl"))


def list_files() -> list[str]:
    """What git has, or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
