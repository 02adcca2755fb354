"""What an installed wheel runs in: docs/decisions/0057-the-wheel-makes-its-environment.md."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
#: A file of the environment's copy of this package.
MARK = "pipeline-run.json"


def is_inside() -> bool:
    """Whether this process has the locked packages: in a clone, or in an environment made here."""
    return is_clone() or Path(sys.prefix, MARK).is_file()


def is_clone() -> bool:
    """Whether this package lies in its repository, whose ``make setup`` makes ``.venv``."""
    return (PACKAGE.parent / "requirements.lock").is_file()


def advice() -> str:
    """The command that mends an environment that lacks something."""
    return "rm -f .venv/.ready && make setup" if is_clone() else "pipeline setup --anew"
