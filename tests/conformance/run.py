"""Converts models in a process with TensorFlow while this one proves those before."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from tests.conformance import variants
from tests.conformance.case import Case
from tests.conformance.convert import Converted, convert
from tests.conformance.outcome import PEERS, Outcome, first_line
from tests.conformance.prove import Backends
from tests.conformance.results import Results, told

#: How many models are converted ahead of the proofs.
AHEAD = 2


@dataclass(frozen=True)
class Effort:
    """What is tried with each model."""

    formats: tuple[str, ...]
    backends: tuple[str, ...]
    peers: bool
    again: bool = False

    def artifacts(self, case: Case) -> list[str]:
        """The names of what is made of a model."""
        return [*self.formats, *variants.names(self.formats, case.techniques)]

    def cells(self, case: Case) -> set[str]:
        """The names of the cells that it fills."""
        from pipeline.backends.targets import parse

        targets = parse(list(self.backends))
        own = {
            f"{name} {target.backend}"
            for name in self.artifacts(case)
            for target in targets
            if variants.runs(target, name)
        }
        return own | (set(PEERS) if self.peers else set())


def run(cases: Sequence[Case], effort: Effort, known: Results, work: Path) -> Iterator[str]:
    """Fill in what is missing, model by model; gives a line for each."""
    todo = [c for c in cases if effort.again or not effort.cells(c) <= set(known.of(c.id))]
    converting = _Converting(todo, effort, work)
    with Backends(effort.backends) as backends:
        for number, case in enumerate(todo):
            made = converting.take(number)
            outcomes = made if isinstance(made, dict) else _proved(case, made, effort, backends)
            known.add(case.id, outcomes)
            yield f"[{number + 1}/{len(todo)}] {told(case.id, outcomes)}"
            shutil.rmtree(work / case.id, ignore_errors=True)
    converting.close()


def _proved(case: Case, made: Converted, effort: Effort, backends: Backends) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for name in effort.artifacts(case):
        proofs = backends.prove(name, made)
        outcomes |= {f"{name} {backend}": outcome for backend, outcome in proofs.items()}
    if effort.peers:
        from tests.conformance.peers import run_peers

        outcomes |= run_peers(made)
    return outcomes


class _Converting:
    """A process that converts, replaced where a model ends it."""

    def __init__(self, cases: Sequence[Case], effort: Effort, work: Path) -> None:
        self._cases, self._effort, self._work = cases, effort, work
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: dict[int, Future[Converted]] = {}

    def take(self, number: int) -> Converted | dict[str, Outcome]:
        """What became of the case of this number; the next ones are begun meanwhile."""
        try:
            return self._taken(number, AHEAD)
        except BrokenProcessPool:
            self.close()
        # Once more with nothing else in the process: then it is this model that ends it.
        try:
            return self._taken(number, 0)
        except BrokenProcessPool:
            self.close()
            ended = Outcome("crashed", "the converting process ended")
            return dict.fromkeys(self._effort.cells(self._cases[number]), ended)

    def _taken(self, number: int, ahead: int) -> Converted | dict[str, Outcome]:
        for begun in range(number, min(number + ahead + 1, len(self._cases))):
            self._begin(begun)
        try:
            return self._waiting.pop(number).result()
        except BrokenProcessPool:
            raise
        except Exception as error:
            reason = f"it could not be built: {first_line(error)}"
            return dict.fromkeys(
                self._effort.cells(self._cases[number]), Outcome("crashed", reason)
            )

    def _begin(self, number: int) -> None:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            log = str(self._work.parent / "converting.log")
            self._pool = ProcessPoolExecutor(1, spawn, initializer=_quiet, initargs=(log,))
        if number not in self._waiting:
            case, effort = self._cases[number], self._effort
            folder = self._work / case.id
            self._waiting[number] = self._pool.submit(
                _convert_by_id, case.id, folder, effort.formats, effort.peers
            )

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._waiting.clear()


def _quiet(log: str) -> None:
    """What TensorFlow and the converters print goes to a file."""
    import os
    import sys

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(file, stream.fileno())


def _convert_by_id(name: str, folder: Path, formats: tuple[str, ...], peers: bool) -> Converted:
    """By name: what builds a model cannot be sent to another process."""
    from tests.conformance.models import cases

    case = next(case for case in cases((name.split("/")[1],)) if case.id == name)
    return convert(case, folder, formats, peers)
