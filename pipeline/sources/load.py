"""A source model in memory, whatever kind of file it came from.

A *source folder* holds the model's files and ``source.json``:
``{"load": "<module in pipeline.sources>", ...what that module's load() needs}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.tensors.signature import Signature


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
    # That one alone: this stands between TensorFlow and the first step.
    module = import_module(f"pipeline.sources.{details['load']}")
    loaded: LoadedModel = module.load(folder, details)
    return loaded
