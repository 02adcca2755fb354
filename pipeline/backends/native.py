"""What backends that run in this process share: timing, and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

Run = Callable[[], Any]


def in_turn(
    runs: Sequence[Run], warmups: int, repeats: int, seconds: float = 0.0
) -> list[list[float]]:
    """Milliseconds of each run, one a repeat, timed in turn: A B, B A, A B, …"""
    # Native kernels are compiled beforehand: unlike a browser's, they need no time to get warm.
    for _ in pace(warmups, 0.0):
        for run in runs:
            run()
    times: list[list[float]] = [[] for _ in runs]
    for repeat in pace(repeats, seconds):
        pairs = list(zip(runs, times, strict=True))
        # What comes second finds caches as the first left them: each comes second in turn.
        for run, taken in reversed(pairs) if repeat % 2 else pairs:
            taken.append(timed(run))
    return times


#: However quick an inference is, and however slow.
MOST, FEWEST, LONGEST_S = 400, 4, 10.0


def pace(least: int, seconds: float) -> Iterator[int]:
    """Count repeats: at least so many, at least so long; ``page.js`` does the same.

    More than ``MOST`` are not made to fill the time; after ``LONGEST_S`` seconds ``FEWEST``
    have to do.
    """
    start, done = perf_counter(), 0
    while True:
        passed = perf_counter() - start
        short = done < least and (done < FEWEST or passed < LONGEST_S)
        if not short and not (passed < seconds and done < MOST):
            return
        yield done
        done += 1


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
