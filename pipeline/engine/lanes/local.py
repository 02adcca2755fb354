"""Runs steps on this machine: one long-lived process per lane.

TensorFlow's import costs more than the work done with it, so one process pays
for it once; another keeps a browser open.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipeline.base.registry import discover
from pipeline.engine.lanes import imports
from pipeline.engine.lanes.background import Background
from pipeline.engine.watch import OnProgress, Silent

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from pipeline.engine.step import Lane

#: What would give a variant that is trained other bytes on another machine: the number of
#: threads and the widest vector unit decide how sums are split, and so rounded. TensorFlow takes
#: oneDNN's kernels by itself on processors with VNNI alone; there 2.21 crashes in a fused
#: convolution of MediaPipe's face detector.
SAME_EVERYWHERE = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "TF_NUM_INTRAOP_THREADS": "2",
    "TF_NUM_INTEROP_THREADS": "2",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}

#: The lane that may use a GPU; what it measures is no part of an artifact.
CUDA = "cuda"

#: What opens the browser of a lane's process. By name, as steps are: this folder knows no backend.
_BROWSERS = "pipeline.backends.web.session"

#: Seconds within which the code of a process that ended is known.
EXIT_S = 2.0

#: Read by the C library as a process starts: keep freed memory instead of giving it back, since a
#: model's graph is copied dozens of times on its way, and every fresh page costs a fault. But give
#: back large tensors, which lie outside of graphs: a process would keep the most of all its steps.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**22),
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
    "MALLOC_TOP_PAD_": str(2**26),
}


_SILENT = Silent()


class LocalLanes:
    """Processes that start when they are first needed, and end with this one."""

    elsewhere = False

    def __init__(self, logs: Path) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._logs = logs
        self._pools: dict[Lane, ProcessPoolExecutor] = {}
        self._processes: dict[Lane, list[BaseProcess]] = {}
        self._warming: list[Future[Any]] = []
        self._told: dict[Lane, OnProgress] = {}
        """Where each lane's reports go: to whoever runs something in it."""
        self._background = Background(self._context)

    def submit(
        self,
        lane: Lane,
        function: Callable[..., Any],
        *args: Any,
        on_progress: OnProgress = _SILENT.on_progress,
        here: bool = False,
    ) -> Future[Any]:
        self._told[lane] = on_progress
        if here and lane not in self._pools:
            return _done(function, *args)
        try:
            return self._pool(lane).submit(function, *args)
        except BrokenProcessPool:
            # Its process was killed in an earlier step; this one has one of its own.
            self._pools.pop(lane).shutdown()
            return self._pool(lane).submit(function, *args)

    def exit_code(self, lane: Lane) -> int | None:
        process = next(iter(self._processes.get(lane, [])), None)
        # The pool learns that a process is gone before its code can be had: another thread may be
        # asking the kernel for it just now.
        deadline = time.monotonic() + EXIT_S
        while process and process.exitcode is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return process.exitcode if process else None

    def warm(self, lane: Lane, tools: Collection[str] = ()) -> None:
        self._pool(lane, tools)

    def quiet(self) -> None:
        wait(self._warming)
        self._warming.clear()
        self._background.hold()

    def go_on(self) -> None:
        self._background.go_on()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for lane, pool in self._pools.items():
            # Everything made is in the store. Only a browser needs to be closed; TensorFlow's own
            # way out takes over a second.
            if kind is not None or lane not in engines():
                _end(pool)
        for pool in self._pools.values():
            # Until its thread is gone: the interpreter, on its way out, would write to a pipe that
            # the thread closes.
            pool.shutdown(wait=True, cancel_futures=True)

    def _pool(self, lane: Lane, tools: Collection[str] = ()) -> ProcessPoolExecutor:
        if lane not in self._pools:
            self._logs.mkdir(parents=True, exist_ok=True)
            for name, value in KEEP_MEMORY.items():
                os.environ.setdefault(name, value)
            # A pipe of its own: a process that is killed while it writes keeps no other from it.
            reader, messages = self._context.Pipe(duplex=False)
            threading.Thread(target=self._forward, args=(reader, lane), daemon=True).start()
            begin = (self._logs / f"{lane}.log", messages, self._background)
            self._pools[lane] = ProcessPoolExecutor(1, self._context, _begin, begin)
            with _no_main():
                # The process starts with the first call.
                self._warming.append(self._pools[lane].submit(warm, lane, tools))
            self._processes[lane] = _processes(self._pools[lane])
            messages.close()
        return self._pools[lane]

    def _forward(self, reader: Connection, lane: Lane) -> None:
        # Over when the lane's process, which alone has the other end, has ended.
        with reader, suppress(EOFError, OSError):
            while True:
                fraction, note = reader.recv()
                # A report that cannot be shown must not stop the steps, which wait for its reader.
                with suppress(Exception):
                    self._told[lane](fraction, note, lane)


@contextmanager
def _no_main() -> Iterator[None]:
    """Processes that start meanwhile do not run this one's main module: steps travel by name.

    Theirs would import the command line, before anything of use.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _done(function: Callable[..., Any], *args: Any) -> Future[Any]:
    """What calling a function here gave, as an executor would hand it over."""
    future: Future[Any] = Future()
    try:
        future.set_result(function(*args))
    except Exception as error:
        future.set_exception(error)
    return future


def _begin(log: Path, messages: Connection, background: Background) -> None:
    """Prepare a worker: its noise goes to a log, and it never outlives its parent."""
    from pipeline.engine import step

    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ.update(SAME_EVERYWHERE)
    if log.stem == CUDA:
        _restore("CUDA_VISIBLE_DEVICES", hidden)

    one_at_a_time = threading.Lock()

    def report(fraction: float, note: str) -> None:
        with one_at_a_time:
            messages.send((fraction, note))

    step.on_progress(report)
    step.on_piece(background.piece)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _restore(variable: str, value: str | None) -> None:
    os.environ.pop(variable, None)
    if value is not None:
        os.environ[variable] = value


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def warm(lane: Lane, tools: Collection[str]) -> None:
    """Get this process ready. Failing is for the steps themselves: nobody looks at the result."""
    if lane == "tensorflow":
        imports.tensorflow()
    elif lane not in engines():
        imports.light(tools)
    else:
        import_module(_BROWSERS).running(lane)


def engines() -> Collection[Lane]:
    """The lanes that keep a browser open."""
    return discover("backends.web.engines", "ENGINE")


def _end(pool: ProcessPoolExecutor) -> None:
    # The interpreter offers no public way to stop a running step at once.
    for process in _processes(pool):
        process.terminate()


def _processes(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((pool._processes or {}).values())
