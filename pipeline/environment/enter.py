"""Runs a command in the environment: in place of this process, so that its end is the command's."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from pipeline.environment import is_inside
from pipeline.environment.make import Say, ensure
from pipeline.environment.place import COMMANDS, Environment, Run

#: What would bring the user's own packages in.
_UNWANTED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def hand_over(arguments: Sequence[str]) -> None:
    """Run ``pipeline ARGUMENTS`` in the environment; return only where this process is in it.

    Raises:
        PipelineError: the environment is missing, and could not be made.
    """
    if not is_inside():
        _replace(arguments)


def _replace(arguments: Sequence[str]) -> NoReturn:
    run = hold(tell)
    sys.stdout.flush()
    sys.stderr.flush()
    called = Path(sys.argv[0]).name
    script = run.script(called if called in COMMANDS else COMMANDS[0])
    command = [str(run.python), str(script), *arguments]
    os.execve(run.python, command, variables())  # noqa: S606 - no shell is wanted


def hold(say: Say, *, anew: bool = False) -> Run:
    """Make what is missing, and keep it from being removed as long as this process lives.

    Raises:
        PipelineError: it could not be made.
    """
    while True:
        environment, run = ensure(say, anew=anew)
        descriptor = os.open(environment.folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if environment.is_whole() and run.is_whole() and _is_still(environment, descriptor):
            # The process that takes this one's place holds it too.
            os.set_inheritable(descriptor, True)
            return run
        os.close(descriptor)  # it was removed in between
        anew = False


def _is_still(environment: Environment, descriptor: int) -> bool:
    return os.path.samestat(os.fstat(descriptor), environment.folder.stat())


def variables() -> Mapping[str, str]:
    """The variables of a process in the environment."""
    return {name: value for name, value in os.environ.items() if name not in _UNWANTED}


def tell(line: str) -> None:
    """Where lines on the environment go: what the command prints is for others to read."""
    print(line, file=sys.stderr, flush=True)
