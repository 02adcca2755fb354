"""One step, where it runs: what a process of steps imports of this package beside the steps."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter

from pipeline.digest import Tree
from pipeline.errors import PipelineError
from pipeline.step import Keep, find
from pipeline.store import Result, Store


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
    inputs = {name: store.open(Result(tree, 0.0)) for name, tree in call.trees.items()}
    inputs |= call.files
    with store.work_folder() as work:
        start = perf_counter()
        try:
            keep = function(inputs, options, work)
            result = store.add(work, perf_counter() - start)
        except Exception as error:
            # Not every library's exceptions survive the way to another process.
            raise explained(error, call.label) from error
    return result.tree, result.seconds, keep is not Keep.THIS_BUILD


@cache
def _store(root: Path) -> Store:
    """One for the time of this process, which looks at each file once."""
    return Store(root)


def explained(error: Exception, where: str) -> PipelineError:
    """An error as a user should read it; its cause is what ``--debug`` shows."""
    if isinstance(error, PipelineError):
        return error
    if isinstance(error, BrokenProcessPool):
        what, todo = "its process was killed, perhaps for want of memory", "build again"
    elif isinstance(error, OSError) and error.strerror:
        what = f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
        todo = "mend that and build again"
    else:
        first = (str(error).strip().splitlines() or [""])[0]
        what, todo = f"{type(error).__name__}: {first}", "run again with --debug for the traceback"
    wrapped = PipelineError(what, where=where, todo=f"{todo}; finished steps are kept")
    wrapped.__cause__ = error
    return wrapped
