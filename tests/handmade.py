"""TF.js graph artifacts written by hand, of which a backend refuses one thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.tensors.signature import Signature, TensorSpec

#: Values of an input.
WIDTH = 16


def tiled(folder: Path, values: int) -> Path:
    """An artifact that repeats its input [n, 16] to [n, ``values``] and takes the mean, [n, 1]."""
    constants = {
        "multiples": np.array([1, values // WIDTH], "int32"),
        "axis": np.array([1], "int32"),
    }
    nodes = [
        _node("tiled", "Tile", ["x", "multiples"], T=_type("FLOAT"), Tmultiples=_type("INT32")),
        _node("y", "Mean", ["tiled", "axis"], T=_type("FLOAT"), keep_dims={"b": True}),
    ]
    return _artifact(folder, nodes, constants, 1)


def einsum(folder: Path) -> Path:
    """An artifact of one Einsum, for which TF.js' wasm backend has no kernel: [n, 16] -> [n, 2]."""
    weights = np.linspace(-1, 1, 2 * WIDTH).reshape(WIDTH, 2).astype("float32")
    more = {"equation": {"s": "aWosamstPmlr"}, "N": {"i": "2"}, "T": _type("FLOAT")}
    nodes = [_node("y", "Einsum", ["x", "weights"], **more)]
    return _artifact(folder, nodes, {"weights": weights}, 2)


def _artifact(
    folder: Path, nodes: list[dict[str, Any]], constants: dict[str, Any], width: int
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    given, made = (
        TensorSpec("x", "float32", (None, WIDTH)),
        TensorSpec("y", "float32", (None, width)),
    )
    writer = ArtifactWriter(folder, "tfjs-graph", "fp32", Signature((given,), (made,)))
    placeholder = _node("x", "Placeholder", [], dtype=_type("FLOAT"), shape=_shape(WIDTH))
    known = [
        _node(name, "Const", [], dtype=_type("INT32" if array.dtype == "int32" else "FLOAT"))
        for name, array in constants.items()
    ]
    weights = writer.add_file(b"".join(array.tobytes() for array in constants.values()), "bin")
    specs = [
        {"name": name, "shape": list(array.shape), "dtype": array.dtype.name}
        for name, array in constants.items()
    ]
    model = {
        "format": "graph-model",
        "modelTopology": {"node": [placeholder, *known, *nodes], "versions": {"producer": 1}},
        "signature": {
            "inputs": {"x": {"name": "x:0", "dtype": "DT_FLOAT", "tensorShape": _dims(WIDTH)}},
            "outputs": {"y": {"name": "y:0", "dtype": "DT_FLOAT", "tensorShape": _dims(width)}},
        },
        "weightsManifest": [{"paths": [weights], "weights": specs}],
    }
    writer.finish(writer.add_file(json.dumps(model).encode(), "json"))
    return folder


def _node(name: str, op: str, inputs: list[str], **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": inputs, "attr": attributes}


def _type(name: str) -> dict[str, str]:
    return {"type": f"DT_{name}"}


def _dims(width: int) -> dict[str, Any]:
    return {"dim": [{"size": "-1"}, {"size": str(width)}]}


def _shape(width: int) -> dict[str, Any]:
    return {"shape": _dims(width)}
