"""Stores of their own for tests' builds, with the results of all of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: What is named by its content, or by all that decided it: the same whoever made it.
SHARED = ("objects", "steps", "trees", "downloads")


@dataclass(frozen=True)
class SharedStore:
    """Results in one folder, and stores beside it that link to them."""

    root: Path

    def store(self, name: str) -> Path:
        """A store with logs, receipts and last builds of its own."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        for part in SHARED:
            results = self.root / "shared" / part
            results.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                (folder / part).symlink_to(results)
        return folder
