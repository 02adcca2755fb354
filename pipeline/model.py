"""A source model in memory, whatever kind of file it came from.

A *source folder* holds the model's files and ``source.json``:
``{"load": "<module in pipeline.sources>", ...what that module's load() needs}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any


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


@dataclass(frozen=True)
class Signature:
    """Names, dtypes and shapes, in the order that users see in every format."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> Signature:
        """Read what ``write`` wrote."""
        data = json.loads(path.read_text())
        return cls(*(tuple(_spec(item) for item in data[side]) for side in ("inputs", "outputs")))


def _spec(item: dict[str, Any]) -> TensorSpec:
    return TensorSpec(item["name"], item["dtype"], tuple(item["shape"]), item["softmax"])


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run in TensorFlow.

    ``function`` is a concrete function that takes one keyword argument per input
    (the argument name may differ from the public one: ``arguments`` maps public input
    name -> keyword) and returns a dict keyed by ``results`` (public output name -> key).
    """

    function: Any
    signature: Signature
    arguments: dict[str, str]
    results: dict[str, str]
    keras: Callable[[], Any] | None = None
    """Gives a fresh ``tf_keras.Model`` with the same weights, where the source is Keras."""


def load(folder: Path) -> LoadedModel:
    """Load a source folder in this (TensorFlow) process; the last one is kept in memory."""
    description = folder / "source.json"
    return _load(folder.resolve(), description.read_text())


@lru_cache(maxsize=1)
def _load(folder: Path, description: str) -> LoadedModel:
    details = json.loads(description)
    module = import_module(f"pipeline.sources.{details['load']}")
    loaded: LoadedModel = module.load(folder, details)
    return loaded
