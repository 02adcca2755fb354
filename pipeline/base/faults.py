"""What a step's failure means to a person: libraries' errors, killed processes, and paths."""

from __future__ import annotations

import re
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from pipeline.base.errors import PipelineError
from pipeline.base.reasons import reason_of

KEPT = "finished steps are kept"

NO_MEMORY = "end other programs, or use a machine with more memory, and build again"


def explain(error: Exception, where: str) -> PipelineError:
    """An error as a user should read it; its cause is what ``--debug`` shows.

    Args:
        where: the step.
    """
    if isinstance(error, PipelineError):
        return error
    if isinstance(error, MemoryError):
        what, todo = "there is not enough memory", NO_MEMORY
    elif isinstance(error, OSError) and error.strerror:
        what = f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
        todo = "mend that and build again"
    else:
        what = f"{_origin(error)} failed: {reason_of(error)} ({type(error).__name__})"
        todo = "run again with --debug for the traceback"
    wrapped = PipelineError(what, where=where, todo=f"{todo}; {KEPT}")
    wrapped.__cause__ = error
    return wrapped


def _origin(error: Exception) -> str:
    """The library that an error comes from: by its type, or by where it was raised."""
    named = type(error).__module__.partition(".")[0]
    if named != "builtins":
        return "protobuf" if named == "google" else named
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [frame.f_globals.get("__name__", "").partition(".")[0] for frame in frames]
    return next((m for m in reversed(modules) if m not in sys.stdlib_module_names), "Python")


def explain_kill(error: Exception, where: str, exit_code: int | None) -> PipelineError:
    """What is known of a process that ended in the midst of a step.

    Args:
        exit_code: of the process; ``-9`` where signal 9 ended it, and ``None`` if nobody knows.
    """
    if exit_code in (None, -signal.SIGKILL):
        what = "its process was killed, as systems do for want of memory"
        todo = NO_MEMORY
    else:
        how = signal.Signals(-exit_code).name if exit_code < 0 else f"exit code {exit_code}"
        what = f"its process crashed ({how}): a fault in a library that it uses"
        todo = "build again; if it crashes again, leave out of the config what needs this step"
    wrapped = PipelineError(what, where=where, todo=f"{todo}; {KEPT}")
    wrapped.__cause__ = error
    return wrapped


def in_words(
    error: PipelineError, where: str, store: Path, names: Mapping[Path, str]
) -> PipelineError:
    """The same error without a path of the store: nobody knows what lies there.

    Args:
        where: the step.
        names: what the step knows paths by.
    """
    what, place, todo = (
        _name_folders(text, store, names) for text in (error.what, error.where, error.todo)
    )
    if place in ("", *names.values()):
        place = where
    worded = type(error)(what, where=place, todo=todo)
    worded.__cause__ = error.__cause__
    return worded


#: Whatever the store's folder is called.
_IN_STORE = re.compile(
    r"[^\s'\"(]*/(trees/[0-9a-f]{64}|objects/[0-9a-f]{2}/[0-9a-f]{62}|work/tmp\w{8}|steps/[0-9a-f]{64})"
    r"[^\s'\",;:)]*"
)


def without_store(text: str) -> str:
    """A message without paths of a store: for what was raised where no step is known."""
    return _IN_STORE.sub("a file of the store", text)


def _name_folders(text: str, store: Path, names: Mapping[Path, str]) -> str:
    for path in sorted(names, key=lambda path: len(str(path)), reverse=True):
        if store in path.parents:
            text = text.replace(f"{path}/", f"{names[path]}/".lstrip("/"))
            text = text.replace(str(path), names[path] or "its folder")
    return re.sub(rf"{re.escape(str(store))}/[^\s'\",;:)]*", "a file of an earlier step", text)
