"""Signatures to make samples for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.tensors.signature import Signature, TensorSpec

Frozen = Callable[..., dict[str, Path]]


@pytest.fixture
def frozen(tmp_path: Path) -> Frozen:
    """Makes the ``frozen`` input of a step from the inputs of a signature."""

    def make(*inputs: TensorSpec) -> dict[str, Path]:
        folder = tmp_path / "frozen"
        folder.mkdir()
        Signature(inputs, (TensorSpec("out", "float32", (None, 2)),)).write(folder)
        return {"frozen": folder}

    return make


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder to write samples into."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder
