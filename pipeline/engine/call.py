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
from pipeline.engine.store import Result, Store


@dataclass(frozen=True)
class StepCall:
    """A step as it travels: names and digests, nothing pickled of the code."""

    label: str
    store: Path
    step: str
    options: str
    trees: Mapping[str, Tree]
    files: Mapping[str, Path]


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
            paths |= call.files
            start = perf_counter()
            keep = function(paths, options, work)
            result = store.add(work, perf_counter() - start)
        except Exception as error:
            # Not every library's exceptions survive the way to another process.
            names = {path: name for name, path in paths.items()} | {work: ""}
            raise in_words(explain(error, call.label), call.label, store.root, names) from error
    give_back()
    return result.tree, result.seconds, keep is not Keep.THIS_BUILD


@cache
def _store(root: Path) -> Store:
    """One for the time of this process, which looks at each file once."""
    return Store(root)
