"""Opens mutated files as a build does, in a process that may end, but not grow."""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.fuzz.mutate import mutate

#: Beyond what TensorFlow and the model itself take.
MOST_BYTES = 2**30
MOST_SECONDS = 30


@dataclass
class Tally:
    """What became of the files of a kind."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    """What should never be, with the seed that makes it again."""

    def add(self, what: str, outcome: str) -> None:
        """Count a file."""
        if outcome in ("read", "refused"):
            self.outcomes[outcome] += 1
        else:
            self.outcomes["fault"] += 1
            self.faults.append(f"{what}: {outcome}")

    def __str__(self) -> str:
        count = ", ".join(f"{number:,} {name}" for name, number in sorted(self.outcomes.items()))
        return f"{self.outcomes.total():,} files: {count}"


def run(models: Mapping[str, bytes], seeds: range, work: Path) -> dict[str, Tally]:
    """Mutate the file of each kind once for each seed, and open each."""
    tallies = {kind: Tally() for kind in models}
    left = ((kind, seed) for kind in models for seed in seeds)
    while (outcomes := _until_an_end(models, left, work)) is not None:
        for kind, seed, outcome in outcomes:
            tallies[kind].add(f"{kind}, seed {seed}", outcome)
    return tallies


def _until_an_end(
    models: Mapping[str, bytes], left: Iterator[tuple[str, int]], work: Path
) -> list[tuple[str, int, str]] | None:
    """The outcomes up to a file that ends the process, or all; ``None`` where nothing is left."""
    outcomes: list[tuple[str, int, str]] = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        for kind, seed in left:
            try:
                outcome = pool.submit(attempt, kind, models[kind], seed, work).result()
            except BrokenProcessPool:  # of TensorFlow's own code
                return [*outcomes, (kind, seed, "the process ended")]
            outcomes.append((kind, seed, outcome))
    return outcomes or None


def attempt(kind: str, content: bytes, seed: int, work: Path) -> str:
    """What becomes of one mutated file: ``read``, ``refused``, or what should never be."""
    before = _peak_bytes(kind, content, work / f"{kind} whole")
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(MOST_SECONDS)
    folder = work / kind / str(seed)
    try:
        outcome = _opened(kind, mutate(content, seed), folder)
    finally:
        signal.alarm(0)
    outside = [path.name for path in folder.parent.iterdir() if path != folder]
    shutil.rmtree(folder)
    if outside:
        return f"it wrote {outside} outside of its folder"
    took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return f"it took {took >> 20:,} MiB" if took > MOST_BYTES else outcome


@cache
def _peak_bytes(kind: str, content: bytes, folder: Path) -> int:
    """What this process has taken, once it has opened the file as it is.

    Raises:
        ValueError: that cannot be read.
    """
    outcome = _opened(kind, content, folder)
    shutil.rmtree(folder)
    if outcome != "read":
        raise ValueError(f"{kind} as it is cannot be read: {outcome}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {MOST_SECONDS} s")


def _opened(kind: str, content: bytes, folder: Path) -> str:
    from pipeline.base.errors import PipelineError
    from pipeline.sources import frozen_graph
    from pipeline.sources.downloaded import DownloadOptions, write_downloaded
    from pipeline.sources.load import load

    source = folder / "work" / "source"
    source.mkdir(parents=True)
    file = folder / "file"
    file.write_bytes(content)
    try:
        if kind == "pb":  # which nothing tells from other files
            frozen_graph.pull({"path": file}, frozen_graph.Options(path=file), source)
        else:
            write_downloaded(file, DownloadOptions(max_bytes=2**26), source, "the file")
        load(source)
    except PipelineError as error:
        lines = str(error).splitlines()
        return "refused" if len(lines) <= 3 else f"it is told in {len(lines)} lines: {lines[0]}"
    except BaseException as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if {path.name for path in folder.iterdir()} != {"work", "file"}:
        return "it wrote outside of its folder"
    return "read"
