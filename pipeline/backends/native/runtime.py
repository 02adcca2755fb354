"""What backends that run in this process share: sessions, timing, and memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.backends.session import Latency
from pipeline.tensors.arrays import Array, Arrays
from pipeline.tensors.batches import infer_singly_at_worst

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


class NativeSession(ABC):
    """An artifact in this process; a runtime says how to load it and how to run one batch."""

    def __init__(self, artifact: Path) -> None:
        self._artifact = ArtifactFolder(artifact)
        self._entry, self._signature = self._artifact.entry, self._artifact.signature
        self._ran = False
        self._batch_failure: str | None = None
        self._memory: dict[str, int | None] | None = None
        self._session: Any = None
        self.load_ms = 0.0
        self._open()

    @abstractmethod
    def _load(self) -> Any:
        """The runtime's own session."""

    @abstractmethod
    def _batch(self, inputs: Arrays) -> dict[str, Array]:
        """Run one batch on ``self._session``."""

    @property
    def batch_failure(self) -> str | None:
        return self._batch_failure

    @property
    def fetched_bytes(self) -> int | None:
        return None

    def memory(self) -> dict[str, int | None]:
        """Of this process: native runtimes do not say what they hold themselves."""
        return self._memory or process_memory()

    def infer(self, inputs: Arrays) -> dict[str, Array]:
        outputs, self._batch_failure = infer_singly_at_worst(
            self._run, inputs, self._signature.inputs
        )
        return outputs

    def latency(
        self,
        inputs: Arrays,
        *,
        reference: Path | None,
        warmups: int,
        repeats: int,
        seconds: float = 0.0,
    ) -> Latency:
        if self._ran:
            self._open()
        first_ms = timed(partial(self._run, inputs))
        self._memory = process_memory()
        if reference is None:
            runs = [partial(self._run, inputs)]
            return Latency(first_ms, *in_turn(runs, warmups, repeats, seconds))
        with type(self)(reference) as other:
            runs = [partial(self._run, inputs), partial(other._run, inputs)]
            return Latency(first_ms, *in_turn(runs, warmups, repeats, seconds))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session = None

    def _open(self) -> None:
        start = perf_counter()
        self._session = self._load()
        self.load_ms = (perf_counter() - start) * 1000

    def _run(self, inputs: Arrays) -> dict[str, Array]:
        self._ran = True
        return self._batch(inputs)
