"""Folders of what was measured: an artifact on a target, in half precision, on any processor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class ResultFile:
    """One JSON file of results."""

    folder: Path

    FILE: ClassVar[str]

    def write(self, result: Mapping[str, object]) -> None:
        (self.folder / self.FILE).write_text(json.dumps(result, indent=1))

    def read(self) -> dict[str, Any]:
        """What was written."""
        result: dict[str, Any] = json.loads((self.folder / self.FILE).read_text())
        return result


class Proof(ResultFile):
    """An artifact on one target: parity, agreement, latency, or why there are none."""

    FILE = "result.json"


class HalfProof(ResultFile):
    """An artifact in float16, beside what it gave in float32."""

    FILE = "half.json"


class Twins(ResultFile):
    """Path of each file of an artifact -> the sizes of its compressed twins, which lie beside it.

    ``{"br_bytes", "gz_bytes"}``, either ``None`` where it is not worth having.
    """

    FILE = "sizes.json"


class Ranges(ResultFile):
    """Of each float32 node of a frozen graph its range on some samples."""

    FILE = "ranges.json"


class Portability(ResultFile):
    """The integer products of an ONNX artifact that some processors would compute wrongly."""

    FILE = "portable.json"
