"""A source model in memory, whatever kind of file it came from.

A *source folder* holds the model's files and ``source.json``:
``{"load": "<module in pipeline.sources>", ...what that kind's load() needs}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.sources.contract import LoadedModel, OwnModel, Source
from pipeline.sources.single import in_single


def load(folder: Path) -> LoadedModel:
    """Load a source folder in this (TensorFlow) process; the last one is kept in memory."""
    return _load(folder.resolve(), SourceFolder(folder).description)


def load_own(folder: Path) -> OwnModel:
    """The model of a source folder as it came, with all that ``pipeline.sources.cut`` asks for.

    Raises:
        SourceError: it is of a kind that has no graph of its own, or its runtime does not take it.
    """
    details = json.loads(SourceFolder(folder).description)
    source = _source(details)
    if source.own is None:
        raise SourceError(
            f"the model is of the kind {source.name}, though its name is that of an ONNX file",
            where="source",
            todo=f"get the file again, or name it under source.{source.name}",
        )
    return source.own(folder, details)


@lru_cache(maxsize=1)
def _load(folder: Path, description: str) -> LoadedModel:
    details = json.loads(description)
    source = _source(details)
    if source.load is None:
        raise TypeError(f"sources of the kind {source.name} are loaded by another kind")
    loaded = source.load(folder, details)
    return in_single(_cut(loaded, **details["cut"]) if "cut" in details else loaded)


def _source(details: Mapping[str, Any]) -> Source:
    # That one alone: this stands between TensorFlow and the first step.
    source: Source = import_module(f"pipeline.sources.{details['load']}").SOURCE
    return source


def _cut(loaded: LoadedModel, outputs: Any, fixed: Mapping[str, Any]) -> LoadedModel:
    """The part of it that ``pipeline.sources.cut`` asks for."""
    from pipeline.sources.tensorflow.cut import cut, name_outputs

    return cut(loaded, name_outputs(outputs) if isinstance(outputs, list) else outputs, fixed)
