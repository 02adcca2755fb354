"""Makes the environment that this package asks for: aside, then renamed when it is whole."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from pipeline.base.errors import MissingToolError, PipelineError
from pipeline.base.tools import OURSELVES, version
from pipeline.environment import MARK, PACKAGE, place
from pipeline.environment.install import NO_SPACE, Tools, find_tools, install_npm, install_python
from pipeline.environment.place import ASIDE, COMMANDS, WEB, Environment, Run

#: Takes a line for the user.
Say = Callable[[str], None]

#: What an environment takes, while packages are unpacked from a cache on the same disk.
NEEDED_BYTES = 5 * 10**9

_PARTS: dict[str, Callable[[Environment, Tools], None]] = {
    "Python packages": install_python,
    "npm packages": install_npm,
}


def ensure(say: Say, *, anew: bool = False) -> tuple[Environment, Run]:
    """The environment and the copy of this package that runs in it, made where they are missing.

    Args:
        say: is told what takes time.
        anew: make the environment again, though it looks whole.

    Raises:
        PipelineError: it could not be made. What there was is as it was.
    """
    environment = place.wanted()
    run = place.run_of(environment)
    if anew or not (environment.is_whole() and run.is_whole()):
        with writing_to(place.root()), alone(place.root(), say):
            # Somebody else may have made it by now.
            if anew or not environment.is_whole():
                _make(environment, say)
            if not run.is_whole():
                _make_run(environment, run)
    return environment, run


def _make(environment: Environment, say: Say) -> None:
    tools = _require(environment.folder.parent)
    began = time.monotonic()
    say(f"making the environment of locked packages in {environment.folder}; this is done once")
    with _aside(environment.folder) as aside:
        made = Environment(aside)
        _install(made, tools, say)
        seconds = round(time.monotonic() - began, 1)
        size = disk_bytes(aside)
        facts = {"bytes": size, "seconds": seconds, "python": _version(made.python)}
        made.record.write_text(json.dumps(facts))
    say(f"made the environment: {size / 1e9:.1f} GB in {seconds:.0f} s")


def _require(root: Path) -> Tools:
    """See what is missing before anything is downloaded."""
    if os.name != "posix":
        raise MissingToolError("this system is neither Linux nor macOS", todo="use WSL on Windows")
    tools = find_tools()
    free = shutil.disk_usage(root).free
    if free < NEEDED_BYTES:
        what = f"{free / 1e9:.1f} GB are free, and an environment needs {NEEDED_BYTES / 1e9:.0f} GB"
        raise PipelineError(what, where=str(root), todo=NO_SPACE)
    return tools


def _install(environment: Environment, tools: Tools, say: Say) -> None:
    """All parts side by side, as most of it is downloads."""
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        parts = {pool.submit(part, environment, tools): name for name, part in _PARTS.items()}
        for part in as_completed(parts):
            part.result()
            say(f"✓ {parts[part]:40}{time.monotonic() - began:8.1f} s")


def _make_run(environment: Environment, run: Run) -> None:
    """Copy this package beside the packages that it needs, so that nothing is written elsewhere."""
    environment.runs.mkdir(exist_ok=True)
    with _aside(run.folder) as aside:
        _check([environment.python, "-I", "-m", "venv", "--without-pip", aside])
        (packages,) = aside.glob("lib/python*/site-packages")
        unwanted = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(PACKAGE, packages / PACKAGE.name, ignore=unwanted)
        web = packages / PACKAGE.name / WEB.relative_to(PACKAGE)
        (web / "node_modules").symlink_to(environment.npm / "node_modules")
        _write_version(packages)
        (theirs,) = environment.venv.glob("lib/python*/site-packages")
        (packages / "environment.pth").write_text(f"{theirs}\n")
        made = Run(aside)
        _check([made.python, "-I", "-m", "compileall", "-q", packages / PACKAGE.name])
        for name in COMMANDS:
            made.script(name).write_text("from pipeline.cli.main import main\n\nmain()\n")
        (aside / MARK).write_text("{}")


def _write_version(packages: Path) -> None:
    """Tell what is asked for the version of this package."""
    ours = version(OURSELVES)
    folder = packages / f"{OURSELVES.replace('-', '_')}-{ours}.dist-info"
    folder.mkdir()
    head = f"Metadata-Version: 2.1\nName: {OURSELVES}\nVersion: {ours}\n"
    (folder / "METADATA").write_text(head)


def _check(command: list[str | Path]) -> None:
    done = subprocess.run(
        [*map(str, command)], cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        where = " ".join(map(str, command[:4]))
        raise PipelineError(said[-1], where=where, todo="run: pipeline setup --anew")


def _version(python: Path) -> str:
    asked = subprocess.run(
        [python, "-I", "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.strip()


@contextmanager
def alone(root: Path, say: Say) -> Iterator[None]:
    """One process makes or removes environments at a time; the others wait, and say so."""
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is making an environment: waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Whoever left these was killed: they held the lock.
        for left in root.glob(f"{ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def writing_to(root: Path) -> Iterator[None]:
    """Say what to do where the folder of environments cannot be written.

    Raises:
        PipelineError: in place of an error of the system's.
    """
    try:
        yield
    except OSError as error:
        writable = f"name a folder that can be written: {place.VARIABLE}=/path"
        todo = NO_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT) else writable
        raise PipelineError(error.strerror or str(error), where=str(root), todo=todo) from error


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A new folder that takes a folder's place when it is whole, and is gone if it does not."""
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder.parent))
    try:
        yield aside
        if folder.exists():
            folder.rename(aside.with_name(f"{aside.name}-old"))
        aside.rename(folder)
    finally:
        for path in folder.parent.glob(f"{aside.name}*"):
            shutil.rmtree(path, ignore_errors=True)


def disk_bytes(folder: Path) -> int:
    """What a folder takes; files of several names once."""
    inodes = {}
    for top, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(top, name))  # noqa: PTH118 - tens of thousands of files
            inodes[status.st_ino] = status.st_blocks * 512
    return sum(inodes.values())
