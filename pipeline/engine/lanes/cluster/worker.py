"""One machine of a cluster: a Dask worker whose steps run in local lanes.

Steps never run in the worker's own process: one that holds Python's lock, as TensorFlow's import
does, would keep it from answering the scheduler, and one that crashes would take all others along.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.base.digest import Tree
from pipeline.base.errors import PipelineError
from pipeline.engine.call import StepCall, execute
from pipeline.engine.ended import StepEndedError
from pipeline.engine.lanes.cluster.turns import Turns
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.shared import CACHE_BYTES, SharedStore
from pipeline.engine.step import BACKGROUND, Lane
from pipeline.engine.store import Result

#: Steps that a worker accepts at once. Most wait here for their lane: the scheduler would hold back
#: all others behind the first one whose lane is busy.
ACCEPTED = 64
#: How much of a resource a worker declares: it says that there is some, and is never used up.
PLENTY = 1e9
#: The cache is looked through so often at most.
TRIM_EVERY_S = 60.0
#: Under which the scheduler keeps what a worker says of its machine.
FACTS = "pipeline"

_machine: Machine | None = None


@dataclass
class Machine:
    """The lanes and the store of this machine's worker."""

    lanes: LocalLanes
    store: SharedStore
    identity: str
    """Of the store as it was when the worker began."""
    cache_bytes: int = CACHE_BYTES
    turns: Turns = field(default_factory=Turns)
    _one_at_a_time: dict[Lane, threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _next_trim: float = 0.0

    def run(self, call: StepCall, lane: Lane, *, alone: bool) -> Result | Unrecorded:
        """What a step makes, or what another machine made of it meanwhile."""
        with self._turn(lane, alone=alone):
            self._require_store()
            if stored := self.store.result(call.key):
                return stored
            self._trim()
            tree, seconds, reusable = self._execute(call, lane)
        if not reusable:
            return Unrecorded(tree, seconds)
        return self.store.record_first(call.key, Result(tree, seconds))

    def _require_store(self) -> None:
        try:
            self.store.require(self.identity)
        except (OSError, PipelineError) as error:
            # It would fail every step that comes, and be the worker that is never busy.
            sys.stderr.write(f"error: {error}\n")
            sys.stderr.flush()
            os._exit(1)

    def _trim(self) -> None:
        with self._opening:
            if time.monotonic() < self._next_trim:
                return
            self._next_trim = time.monotonic() + TRIM_EVERY_S
        self.store.trim(self.cache_bytes)

    def _execute(self, call: StepCall, lane: Lane) -> tuple[Tree, float, bool]:
        here = replace(call, store=self.store.place)
        try:
            with self._opening:
                future = self.lanes.submit(lane, execute, here)
            made: tuple[Tree, float, bool] = future.result()
        except BrokenProcessPool as error:
            raise StepEndedError(self.lanes.exit_code(lane)) from error
        return made

    @contextmanager
    def _turn(self, lane: Lane, *, alone: bool) -> Iterator[None]:
        if lane in BACKGROUND:
            with self._one_at_a_time[lane]:
                yield
            return
        # Those that wait for the same lane have their turn: what is timed comes after them all.
        with self.turns.turn(alone=alone), self._one_at_a_time[lane]:
            if alone:
                self.lanes.quiet()
            try:
                yield
            finally:
                if alone:
                    self.lanes.go_on()


@dataclass(frozen=True)
class Unrecorded:
    """What a step made that is true of this build alone."""

    tree: Tree
    seconds: float


def run_step(call: StepCall, lane: Lane, alone: bool) -> Result | Unrecorded:
    """Run a step on this machine; Dask calls it by its name, in a thread."""
    if _machine is None:
        raise PipelineError(
            f"{call.label} came to a Dask worker that knows no steps",
            todo="start workers with `pipeline worker`",
        )
    return _machine.run(call, lane, alone=alone)


@dataclass(frozen=True)
class Declared:
    """What a worker says of its machine."""

    name: str
    resources: tuple[str, ...]
    facts: Mapping[str, Any]


def serve(scheduler: str, declared: Declared, machine: Machine) -> None:
    """Work for a scheduler until SIGINT or SIGTERM.

    Raises:
        PipelineError: no scheduler answers, or it is gone.
    """
    global _machine
    _machine = machine
    asyncio.run(_serve(scheduler, declared, str(machine.store.root / "dask")))


async def _serve(scheduler: str, declared: Declared, folder: str) -> None:
    from distributed import Worker

    worker = Worker(
        scheduler,
        name=declared.name,
        nthreads=ACCEPTED,
        resources=dict.fromkeys(declared.resources, PLENTY),
        startup_information={FACTS: lambda worker: dict(declared.facts)},
        memory_limit=0,  # What steps take is in other processes.
        local_directory=folder,
        dashboard=False,
    )
    try:
        await worker
    except (OSError, TimeoutError, ValueError) as error:
        raise PipelineError(
            f"no scheduler answers: {str(error).splitlines()[0]}",
            where=scheduler,
            todo="start one with `pipeline scheduler`, and name its address",
        ) from error
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    ended = asyncio.ensure_future(worker.finished())
    asked = asyncio.ensure_future(stopped.wait())
    await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if stopped.is_set():
        await worker.close(executor_wait=False)
        return
    raise PipelineError(
        "the scheduler is gone, or took this worker for dead",
        where=scheduler,
        todo="start this worker again once the scheduler answers; finished steps are kept",
    )
