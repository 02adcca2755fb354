"""Files that are whole or not there at all."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_aside(path: Path, content: bytes | str, *, lasting: bool = True) -> None:
    """Write a whole file or nothing: aside, to disk, then renamed over ``path``.

    Args:
        lasting: whether to wait for the disk. Without, a machine that loses its power may leave an
            empty file: for what is looked at before it is believed, and can be made again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One process at a time. The folder itself is locked: no file is left lying about."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
