"""One step, where it runs: what a process of steps imports of this package beside the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter

from pipeline.base.digest import Tree
from pipeline.base.faults import explain, in_words
from pipeline.engine.memory import give_back
from pipeline.engine.step import Keep, find
from pipeline.engine.store import Place, Result, Store, Taken
from pipeline.engine.stores import open_place


@dataclass(frozen=True)
class StepCall:
    """A step as it travels: names and digests, nothing pickled of the code."""

    label: str
    store: Place
    step: str
    options: str
    trees: Mapping[str, Tree]
    files: Mapping[str, Path | Taken]
    """What comes from outside: a path where the step runs on this machine."""
    key: str
    """Of its result."""
    needs: tuple[str, ...] = ()
    """What its machine must have, of what workers of a cluster declare."""


def execute(call: StepCall) -> tuple[Tree, float, bool]:
    """Run one step in this process and put its files into the store.

    Returns:
        The files, the seconds that it took, and whether they may be used again.
    """
    store = _store(call.store)
    function = find(call.step)
    options = function.options_type.model_validate_json(call.options)
    with store.work_folder() as work:
        paths: dict[str, Path] = {}
        try:
            paths |= {name: store.open(Result(tree, 0.0)) for name, tree in call.trees.items()}
            paths |= {name: _open_file(store, file) for name, file in call.files.items()}
            start = perf_counter()
            keep = function(paths, options, work)
            result = store.add(work, perf_counter() - start)
        except Exception as error:
            # Not every library's exceptions survive the way to another process.
            names = {path: name for name, path in paths.items()} | {work: ""}
            raise in_words(explain(error, call.label), call.label, store.root, names) from error
    give_back()
    return result.tree, result.seconds, keep is not Keep.THIS_BUILD


def _open_file(store: Store, file: Path | Taken) -> Path:
    return store.open_taken(file) if isinstance(file, Taken) else file


@cache
def _store(place: Place) -> Store:
    """One for the time of this process, which looks at each file once."""
    return open_place(place)
