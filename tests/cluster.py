"""A cluster of real processes on this machine: a scheduler, and workers that a test may end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

PLAIN_STEPS = Path(__file__).parent / "engine" / "lanes"
ROOT = Path(__file__).parents[1]
_PATIENCE_S = 60.0
_LONGEST_BUILD_S = 400.0


@dataclass
class Cluster:
    """What runs now; all of it ends with the ``with``."""

    folder: Path
    silent_s: float = 30.0
    port: int = 0
    address: str = ""
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def start_scheduler(self) -> None:
        words = ("scheduler", "--port", self.port, "--silent", self.silent_s)
        self._start("scheduler", *words)
        self.address = _wait_for(self.folder / "scheduler.log", "the scheduler is ").split()[-1]
        self.port = int(self.address.rpartition(":")[2])

    def start_worker(self, name: str, store: str | Path | None = None, **environment: str) -> None:
        """Start one, and wait until it is there."""
        self.begin_worker(name, store, **environment)
        _wait_for(self.folder / f"{name}.log", "Starting established connection")

    def begin_worker(self, name: str, store: str | Path | None = None, **environment: str) -> None:
        words = (self.address, "--name", name, "--cache", self.folder / f"cache-{name}")
        where = store or self.folder / "store"
        self._start(name, "worker", *words, "--store", where, **environment)

    def build(self, *words: object) -> tuple[int, str]:
        """The exit code and standard error of ``pipeline build … --on`` this cluster."""
        build = self.begin_build(*words)
        _, error = build.communicate(timeout=_LONGEST_BUILD_S)
        return build.returncode, error

    def begin_build(self, *words: object) -> subprocess.Popen[str]:
        """The same, while it goes on."""
        return subprocess.Popen(
            _command("build", *words, "--on", self.address),
            env=_environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def end(self, name: str) -> None:
        """Kill a process; what it started follows it."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def _start(self, name: str, *words: object, **environment: str) -> None:
        with (self.folder / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                _command(*words), stdout=log, stderr=log, text=True, env=_environment(environment)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in [*self.processes]:
            self.end(name)


@contextmanager
def running(folder: Path, *names: str, silent_s: float = 30.0) -> Iterator[Cluster]:
    """A scheduler, and workers of these names on one store in a folder."""
    with Cluster(folder, silent_s) as cluster:
        cluster.start_scheduler()
        for name in names:
            cluster.begin_worker(name)
        for name in names:
            _wait_for(folder / f"{name}.log", "Starting established connection")
        yield cluster


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli.main", *map(str, words)]


def _environment(more: dict[str, str]) -> dict[str, str]:
    paths = [
        more.pop("PYTHONPATH", ""),
        str(PLAIN_STEPS),
        str(ROOT),
        os.environ.get("PYTHONPATH", ""),
    ]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", **more}


def _wait_for(log: Path, text: str) -> str:
    """The line of a log that has this text, once it is there."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        lines = [line for line in log.read_text().splitlines() if text in line]
        if lines:
            return lines[0]
        time.sleep(0.05)
    raise TimeoutError(f"{log.name} does not say {text!r}: {log.read_text()}")
