"""What goes into a model and comes out of it: names, dtypes, shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "signature.json"


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a signature."""

    name: str
    dtype: str
    """NumPy's name: ``float32``, ``int32``, …"""
    shape: tuple[int | None, ...]
    """``None`` where the size is free."""
    softmax: bool = False
    """Outputs only: the values are a softmax over the last axis."""
    renamed_from: str | None = None
    """Its name in the source, where that is no name in every format."""
    converted_from: str | None = None
    """Its dtype in the source, where no format has that."""

    def described(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Signature:
    """Names, dtypes and shapes, in the order that users see in every format."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @staticmethod
    def file(folder: Path) -> Path:
        """Where it stands in a FROZEN or CONVERTED folder."""
        return folder / FILE

    def write(self, folder: Path) -> None:
        self.file(folder).write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path) -> Signature:
        """Read what ``write`` wrote."""
        return cls.of_json(json.loads(cls.file(folder).read_text()))

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Signature:
        """Of what ``asdict`` made, maybe with more beside it."""
        return cls(*(tuple(_spec(item) for item in data[side]) for side in ("inputs", "outputs")))


def _spec(item: dict[str, Any]) -> TensorSpec:
    return TensorSpec(
        item["name"],
        item["dtype"],
        tuple(item["shape"]),
        item.get("softmax", False),
        item.get("renamed_from"),
        item.get("converted_from"),
    )
