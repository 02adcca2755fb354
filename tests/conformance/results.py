"""The results of all models, kept from run to run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.conformance.outcome import Outcome

Cells = Mapping[str, Outcome]


class Results:
    """``{case: {"format backend": outcome}}``, in a file that is written after each model."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.cells: dict[str, dict[str, dict[str, str]]] = {}
        self._read()

    def _read(self) -> None:
        if self._file.is_file():
            self.cells = json.loads(self._file.read_text())

    def of(self, case: str) -> dict[str, dict[str, str]]:
        return self.cells.get(case, {})

    def has(self, case: str, state: str) -> bool:
        """Whether a model had this outcome anywhere, of the product's own cells."""
        own = {name: cell for name, cell in self.of(case).items() if not name.startswith("peer")}
        return any(cell["state"] == state for cell in own.values())

    def add(self, case: str, outcomes: Cells) -> None:
        """Keep some cells of a model; those of before, and of others that run, stay."""
        new = {name: outcome.json() for name, outcome in outcomes.items()}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._file.with_suffix(".lock")):
            self._read()
            self.cells[case] = {**self.of(case), **new}
            aside = self._file.with_suffix(".part")
            aside.write_text(json.dumps(self.cells, indent=1, sort_keys=True))
            aside.replace(self._file)

    def columns(self) -> list[str]:
        """Every ``format backend`` that any model has."""
        return sorted({name for cells in self.cells.values() for name in cells})

    def __iter__(self) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
        return iter(self.cells.items())


def told(case: str, cells: Mapping[str, Any]) -> str:
    """One line for a model: what is not ok, and where."""
    odd: dict[str, list[str]] = {}
    for name, outcome in cells.items():
        if outcome.state != "ok":
            odd.setdefault(f"{outcome.state}: {outcome.reason}", []).append(name)
    good = sum(outcome.state == "ok" for outcome in cells.values())
    lines = [f"{case}: {good} of {len(cells)} ok"]
    return "\n".join([*lines, *(f"    {', '.join(names)} {text}" for text, names in odd.items())])
