"""Ranges of activations that training found, on their way from a Keras model to int8.

``activations.json`` beside a model: {"<tensor>": [least, greatest]}. In a SOURCE folder a tensor is
called by the path of the layer that gives it, ``inner/relu``; in FROZEN as ``node:port``; in
CONVERTED by its name there. What has no counterpart is left out, and so calibrated as ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "activations.json"

Ranges = dict[str, tuple[float, float]]


def write(folder: Path, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Write the folder's ranges; no file where there are none."""
    if ranges:
        (folder / FILE).write_text(json.dumps(dict(sorted(ranges.items())), indent=0))


def read(folder: Path) -> Ranges:
    """The folder's ranges; none where nothing was trained for them."""
    path = folder / FILE
    if not path.exists():
        return {}
    return {name: (low, high) for name, (low, high) in json.loads(path.read_text()).items()}


def of_tensors(ranges: Ranges, graph: Any) -> Ranges:
    """Ranges by layer as ranges by tensor: a layer's result is what its last node gives.

    Args:
        ranges: by path of a Keras layer.
        graph: a ``GraphDef``, each node after its inputs, named ``…/layer/operation``.
    """
    nodes = [node.name for node in graph.node if node.op != "Const"]
    last = {path: name for name in nodes for path in ranges if f"/{path}/" in f"/{name}"}
    return {f"{name}:0": ranges[path] for path, name in last.items()}


def rename_ranges(ranges: Ranges, origins: Mapping[str, str]) -> Ranges:
    """The ranges of a converted graph's tensors, by the frozen tensors that they equal."""
    return {name: ranges[origin] for name, origin in origins.items() if origin in ranges}
