"""What backends that run in this process share: timing, and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

Run = Callable[[], Any]


def in_turn(runs: Sequence[Run], warmups: int, repeats: int) -> list[list[float]]:
    """Milliseconds of each run, one a repeat, timed in turn: A B, B A, A B, …"""
    for run in runs:
        for _ in range(warmups):
            run()
    times: list[list[float]] = [[] for _ in runs]
    for repeat in range(repeats):
        pairs = list(zip(runs, times, strict=True))
        # What comes second finds caches as the first left them: each comes second in turn.
        for run, taken in reversed(pairs) if repeat % 2 else pairs:
            taken.append(timed(run))
    return times


def timed(run: Run) -> float:
    """Milliseconds of one call."""
    start = perf_counter()
    run()
    return (perf_counter() - start) * 1000


def process_memory() -> dict[str, int | None]:
    """What a native session's ``memory`` can know: the memory of this process."""
    import psutil

    resident = int(psutil.Process().memory_info().rss)
    return {"tensors": None, "tensor_bytes": None, "process_bytes": resident}
