"""What a step is: a pure function from input folders and options to files.

A step knows nothing of the cache, the lane or the command line. It travels
to its lane by name, never as a pickled closure.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions

#: Which process runs a step: ``tensorflow``, the only one that may import TensorFlow, ``light``,
#: ``cuda``, or the name of the browser engine that it keeps open.
Lane = str

#: Lanes of what only publishing waits for: they stand back for all other steps.
BACKGROUND = ("compress", "assets")


class Files(dict[str, Path]):
    """Input name -> what a step gets under names that its parameters do not say."""


class Keep(Enum):
    """What a step may return about its own result."""

    ALWAYS = "always"
    THIS_BUILD = "this build"
    """The result is true only now (a backend that is missing today): never reuse it."""


#: Takes its inputs, each as the class of its folder, then options and the work folder. Inputs that
#: several steps share are the fields of one dataclass, ``inputs``.
StepBody = Callable[..., Keep | None]
_OTHERS = ("options", "work")

#: Writes what stands for a step's result: its options, what ended its process, the work folder.
WriteKilled = Callable[[Any, PipelineError, Path], None]


@dataclass(frozen=True)
class StepFunction:
    """A step's body with what the planner must know of it."""

    body: StepBody
    version: int
    """Raise it when the same inputs and options give other files."""
    lane: Lane
    tools: tuple[str, ...]
    """Distributions whose version can change the result."""
    alone: bool
    """Nothing else may run meanwhile: it takes timings."""
    quick: bool
    """Over before a process of its own would have started; imports NumPy at most."""
    if_killed: WriteKilled | None
    """Where a process that crashes is a result: writes it, for this build alone."""

    @property
    def name(self) -> str:
        return f"{self.body.__module__}:{self.body.__name__}"

    @property
    def options_type(self) -> type[StrictOptions]:
        kind: type[StrictOptions] = self._hints["options"]
        return kind

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """Input name -> the class of its folder; ``Path | None`` and the like may be left out."""
        return {name: kind for name, kind in self._kinds.items() if kind is not Files}

    def check_inputs(self, names: Collection[str]) -> None:
        """Refuse other inputs than the body takes.

        Raises:
            TypeError: one is missing or unknown.
        """
        needed = {name for name, kind in self.inputs.items() if NoneType not in get_args(kind)}
        unknown = set() if self._files else set(names) - set(self.inputs)
        if wrong := (needed - set(names)) | unknown:
            raise TypeError(f"{self.name} takes {list(self.inputs)}: {sorted(wrong)}")

    def __call__(self, inputs: Mapping[str, Path], options: Any, work: Path) -> Keep | None:
        """Run the body.

        Args:
            inputs: one folder or file per input name, to be read only.
            options: an instance of ``options_type``.
            work: an empty folder; the only place written to.
        """
        self.check_inputs(inputs)
        folders = {name: _open(kind, inputs.get(name)) for name, kind in self.inputs.items()}
        if self._files:
            others = {name: path for name, path in inputs.items() if name not in self.inputs}
            folders[self._files] = Files(others)
        if self._group:
            folders = {"inputs": self._group(**folders)}
        return self.body(**folders, options=options, work=work)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.body)

    @cached_property
    def _kinds(self) -> dict[str, Any]:
        if self._group:
            return get_type_hints(self._group)
        names = inspect.signature(self.body).parameters
        return {name: self._hints[name] for name in names if name not in _OTHERS}

    @property
    def _group(self) -> Any:
        """The dataclass of all its inputs, if it takes them as one."""
        return self._hints.get("inputs")

    @property
    def _files(self) -> str | None:
        """What takes inputs of other names."""
        return next((name for name, kind in self._kinds.items() if kind is Files), None)


def _open(kind: Any, path: Path | None) -> Any:
    """A path as what a step's body takes: itself, or the class of a folder on it."""
    (of,) = set(get_args(kind) or (kind,)) - {NoneType}
    return path if path is None or of is Path else of(path)


def step(
    *,
    version: int = 1,
    lane: Lane = "light",
    tools: tuple[str, ...] = (),
    alone: bool = False,
    quick: bool = False,
    if_killed: WriteKilled | None = None,
) -> Callable[[StepBody], StepFunction]:
    """Declare a module-level function ``(…inputs, options, work)`` as a step."""
    return lambda body: StepFunction(body, version, lane, tools, alone, quick, if_killed)


def find(name: str) -> StepFunction:
    """The step called ``module:function``."""
    module, function = name.split(":")
    step_function = getattr(import_module(module), function)
    if not isinstance(step_function, StepFunction):
        raise TypeError(f"{name} is not a step")
    return step_function


Progress = Callable[[float, str], None]
_progress: Progress = lambda fraction, note: None  # noqa: E731


def on_progress(callback: Progress) -> None:
    """Send what steps of this process report to ``callback(fraction, note)``."""
    global _progress
    _progress = callback


def progress(fraction: float, note: str = "") -> None:
    """Say from within a step how much of it is done (0 to 1)."""
    _progress(fraction, note)


def progress_bytes(done: int, total: int, what: str) -> None:
    """Say how many bytes of how many are read or written."""
    progress(done / max(1, total), f"{done / 1e6:.0f} of {total / 1e6:.0f} MB {what}")


Piece = Callable[[], AbstractContextManager[None]]
_piece: Piece = nullcontext


def on_piece(callback: Piece) -> None:
    """Let pieces of this process's background work wait for their turn in ``callback()``."""
    global _piece
    _piece = callback


def piece() -> AbstractContextManager[None]:
    """For a second or so of a step in the background: it begins when nothing is being timed."""
    return _piece()
