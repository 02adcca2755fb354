"""The processes of browsers: started so that none outlives this one, ended, and measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from pipeline.backends.session import Unavailable

T = TypeVar("T")

_PREFIX = "pipeline-browser-"
_END_S = 5
_POLL_S = 0.02


def build(executable: Path | None) -> tuple[str, int, int] | None:
    """Path, size and time of a program: an update changes them, and to look starts nothing."""
    if executable is None or not executable.exists():
        return None
    status = executable.resolve().stat()
    return str(executable), status.st_size, status.st_mtime_ns


def existing(*programs: Path | None) -> tuple[str, ...]:
    """The paths of those that are there."""
    return tuple(str(path) for path in programs if path is not None and path.exists())


def bound(command: Sequence[str]) -> list[str]:
    """The command, killed by the kernel when its parent ends, however that comes about."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else list(command)


def folder(undo: ExitStack, name: str) -> Path:
    """A folder for a browser's profile and logs, removed by ``undo`` whatever is left in it.

    Those of processes that were killed are removed as well.
    """
    _sweep()
    path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-{name}-"))
    undo.callback(shutil.rmtree, path, ignore_errors=True)
    return path


def _sweep() -> None:
    import psutil

    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = old.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(old, ignore_errors=True)


def start(
    command: Sequence[str], environment: Mapping[str, str], log: Path, *, keep_fd: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a process whose output goes to ``log``."""
    with log.open("wb") as output:
        return subprocess.Popen(
            bound(command),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=() if keep_fd is None else (keep_fd,),
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process: asked first, then made to."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_END_S)


def until(
    ready: Callable[[], T | None], process: subprocess.Popen[bytes], log: Path, timeout_s: float
) -> T:
    """What ``ready`` returns once it returns something.

    Raises:
        Unavailable: the process ended before, or took too long; with the last line of its log.
    """
    deadline = monotonic() + timeout_s
    while (result := ready()) is None:
        if process.poll() is not None:
            raise Unavailable(f"it ended at once: {last_line(log)}")
        if monotonic() > deadline:
            raise Unavailable(f"it was not ready within {timeout_s:g} s: {last_line(log)}")
        sleep(_POLL_S)
    return result


def last_line(log: Path) -> str:
    """The last thing that a process said."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return (text.strip().splitlines() or ["no reason given"])[-1].strip()


def tree_bytes(pid: int) -> int | None:
    """Memory of a process and all below it, each shared page counted once, where that is told."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                memory = process.memory_full_info()
                total += int(getattr(memory, "pss", memory.uss))
    return total or None
