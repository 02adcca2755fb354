"""Committed artifacts, with their inputs and what TensorFlow returned for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

FIXTURES = Path(__file__).parent / "fixtures"


ONNX = FIXTURES / "classifier_onnx" / "artifact"


@dataclass(frozen=True)
class Case:
    artifact: Path
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    @property
    def one(self) -> dict[str, Any]:
        return {name: array[:1] for name, array in self.inputs.items()}


def case(name: str) -> Case:
    folder = FIXTURES / name
    return Case(
        folder / "artifact",
        load_file(folder / "inputs.safetensors"),
        load_file(folder / "outputs.safetensors"),
    )
