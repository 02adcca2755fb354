"""Processes of steps that stay from build to build: TensorFlow's start costs more than most builds.

One command that builds several configs shares its processes in the same way. The builds of
build/test_build.py that are processes of their own show how one begins and ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pipeline.cli.bisect
import pipeline.fitting.run
from pipeline.engine.lanes import local
from pipeline.engine.lanes.local import KEEP_MEMORY, LocalLanes, engines

#: The modules that make lanes.
MAKERS = (local, pipeline.cli.bisect, pipeline.fitting.run)
#: What TensorFlow, or what it imports, sets, in a lane as here.
SET_BY_IMPORTS = {
    *("TF2_BEHAVIOR", "HDF5_PLUGIN_PATH", "ENABLE_RUNTIME_UPTIME_TELEMETRY"),
    *("TPU_ML_PLATFORM", "TPU_ML_PLATFORM_VERSION"),
}
#: What of the environment makes no other process.
OF_NO_EFFECT = {"PYTEST_CURRENT_TEST", *KEEP_MEMORY, *SET_BY_IMPORTS}

_kept: KeptLanes | None = None


class KeptLanes(LocalLanes):
    """Lanes that the end of a command leaves open, but for browsers and where a step still runs."""

    def __init__(self, logs: Path) -> None:
        super().__init__(logs)
        self.began_in = surroundings()
        self._running: list[Future[Any]] = []

    def submit(
        self, lane: Any, function: Callable[..., Any], *args: Any, **more: Any
    ) -> Future[Any]:
        future = super().submit(lane, function, *args, **more)
        self._running.append(future)
        return future

    def move(self, logs: Path) -> None:
        """Work for another command from now on: in its folder, into its logs."""
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        wait(
            pool.submit(settle, Path.cwd(), logs / f"{lane}.log")
            for lane, pool in self._pools.items()
        )

    def close(self) -> None:
        super().__exit__(None, None, None)

    def __exit__(self, *raised: Any) -> None:
        global _kept
        still = [future for future in self._running if not future.done()]
        self._running.clear()
        self.go_on()
        if still:
            _kept = None
            super().__exit__(*raised)
            return
        # Who opens a browser in this process looks for it among all that the process started.
        for lane in self._pools.keys() & engines():
            self._pools.pop(lane).shutdown()


def surroundings() -> object:
    """What processes that begin now inherit, and keep."""
    environment = {name: os.environ[name] for name in os.environ.keys() - OF_NO_EFFECT}
    return environment, [*sys.path]


def settle(folder: Path, log: Path) -> None:
    """In a lane's process: the folder and the log of the command that it works for now."""
    os.chdir(folder)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)


def lanes(logs: Path) -> KeptLanes:
    """Those of the command before; new ones where a process that begins now is another."""
    global _kept
    if _kept is not None and _kept.began_in == surroundings():
        _kept.move(logs)
        return _kept
    close()
    _kept = KeptLanes(logs)
    return _kept


def close() -> None:
    """End the processes that are kept."""
    global _kept
    if _kept is not None:
        _kept.close()
    _kept = None


@contextmanager
def kept() -> Iterator[None]:
    """Commands run in this process meanwhile share their lanes."""
    with ExitStack() as stack:
        for module in MAKERS:
            stack.enter_context(patch.object(module, "LocalLanes", lanes))
        yield
