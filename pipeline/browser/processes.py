"""The processes of a browser."""

from __future__ import annotations

from contextlib import suppress


def tree_bytes(pid: int) -> int | None:
    """Memory of a process and all below it, each shared page counted once, where that is told."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                memory = process.memory_full_info()
                total += int(getattr(memory, "pss", memory.uss))
    return total or None
