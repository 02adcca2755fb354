"""Commands that see other file systems than the tests do: folders hidden, read-only or small."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import pytest

#: As root, and as somebody whom the kernel lets be root of a namespace.
_WAYS = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
_HIDE = 'mount -t tmpfs none "$0"'


def require() -> None:
    """Skip the test where no namespace can be made."""
    if not _way():
        pytest.skip("this system lets nobody here mount in a namespace of its own")


def behind(mounts: str, folder: Path, *command: object) -> list[str]:
    """A command after a line of shell has mounted at ``folder``, which it calls ``$0``."""
    script = f'{mounts} || exit 70; exec "$@"'
    return [*_way(), "sh", "-c", script, str(folder), *map(str, command)]


def hiding(folders: Iterable[Path], command: Sequence[object]) -> list[str]:
    """A command for which these folders are empty; itself where that cannot be had."""
    words = [str(word) for word in command]
    for folder in folders if _way() else ():
        words = behind(_HIDE, folder, *words)
    return words


@cache
def _way() -> tuple[str, ...]:
    for way in _WAYS if shutil.which("unshare") else ():
        tried = [*way, "sh", "-c", _HIDE, os.fspath(Path(__file__).parent)]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return way
    return ()


def without_network(command: Sequence[object]) -> list[str]:
    """A command that reaches nothing, itself neither."""
    way = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--net"]
    return [*way, *map(str, command)]
