"""Removes environments that this package does not ask for."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.environment import is_inside, place
from pipeline.environment.make import Say, alone, disk_bytes, writing_to
from pipeline.environment.place import ASIDE


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be."""

    folders: tuple[Path, ...]
    bytes: int
    in_use: tuple[Path, ...]
    """What stays, since a command runs in it."""


def remove(say: Say, *, everything: bool, dry_run: bool) -> Removed:
    """Remove the environments of other locks, and copies of other versions of this package.

    Args:
        everything: remove the one that this package asks for too.
    """
    root = place.root()
    if not root.is_dir():
        return Removed((), 0, ())
    folders, in_use, size = [], [], 0
    with writing_to(root), alone(root, say):
        for folder in _old(root, everything):
            with _unused(folder) as free:
                if not free:
                    in_use.append(folder)
                    continue
                folders.append(folder)
                size += disk_bytes(folder)
                if not dry_run:
                    _remove(folder, root)
    return Removed(tuple(folders), size, tuple(in_use))


def _old(root: Path, everything: bool) -> Iterator[Path]:
    wanted = place.wanted()
    for folder in sorted(root.iterdir()):
        if everything or folder != wanted.folder:
            yield folder
        else:
            kept = None if is_inside() else place.run_of(wanted).folder
            yield from (run for run in sorted(wanted.runs.glob("*")) if kept and run != kept)


def _remove(folder: Path, root: Path) -> None:
    """First out of sight: half an environment is never looked at."""
    aside = root / f"{ASIDE}{folder.name}"
    folder.rename(aside)
    shutil.rmtree(aside)


@contextmanager
def _unused(folder: Path) -> Iterator[bool]:
    """Whether no command runs there, and none can begin."""
    environment = folder.parent.parent if folder.parent.name == "runs" else folder
    descriptor = os.open(environment, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)
