"""A CHAIN folder: pictures, and what a detector and a model behind it make of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

Answers = list[dict[str, Any]]


@dataclass(frozen=True)
class ChainFolder:
    """Pictures as ``0.png`` and so on, and the answers of the source models."""

    folder: Path

    FILE: ClassVar = "chain.json"

    def picture(self, number: int) -> Path:
        """The file of one of the pictures."""
        return self.folder / f"{number}.png"

    @property
    def facts(self) -> dict[str, Any]:
        """``{"region", "model", "detector", "threshold", "first", "next"}``.

        ``model`` and ``detector`` are what pages know of each (``input``, ``task_options``,
        ``labels``); ``first`` and ``next`` have a list of answers for each picture, the second of
        what the first says where to look.
        """
        facts: dict[str, Any] = json.loads((self.folder / self.FILE).read_text())
        return facts

    def write(self, facts: dict[str, Any]) -> None:
        (self.folder / self.FILE).write_text(json.dumps(facts))
