"""A SOURCE folder: the files of a pre-trained model, and what loads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class SourceFolder:
    """What any kind of source pulls, and what techniques that train write."""

    folder: Path

    DESCRIPTION: ClassVar = "source.json"
    FACTS: ClassVar = "facts.json"

    def describe(self, load: str, **details: Any) -> None:
        """Write which module of ``pipeline.sources`` loads it, and what that needs to know."""
        (self.folder / self.DESCRIPTION).write_text(json.dumps({"load": load, **details}))

    @property
    def description(self) -> str:
        """JSON: ``{"load": "<module in pipeline.sources>", …}``."""
        return (self.folder / self.DESCRIPTION).read_text()

    @property
    def facts_file(self) -> Path:
        """What its author says of it, in JSON; it may not be there."""
        return self.folder / self.FACTS

    def tell(self, facts: Mapping[str, Any]) -> None:
        """Write what its author says of it, such as its ``name`` and ``license``."""
        self.facts_file.write_text(json.dumps(facts))

    @property
    def facts(self) -> dict[str, Any] | None:
        """What its author says of it."""
        if not self.facts_file.exists():
            return None
        facts: dict[str, Any] = json.loads(self.facts_file.read_text())
        return facts


@dataclass(frozen=True)
class Identity:
    """An IDENTITY folder: what a manifest says of a source, without its files."""

    folder: Path

    FILE: ClassVar = "identity.json"

    def write(self, sha256: str, facts: dict[str, Any] | None) -> None:
        (self.folder / self.FILE).write_text(json.dumps({"sha256": sha256, "facts": facts}))

    @property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / self.FILE).read_text())
        return content

    @property
    def sha256(self) -> str:
        """Of the source folder's names and bytes."""
        sha256: str = self._content["sha256"]
        return sha256

    @property
    def facts(self) -> dict[str, Any] | None:
        """What its author says of it."""
        facts: dict[str, Any] | None = self._content["facts"]
        return facts
