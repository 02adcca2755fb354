"""The kinds of graphs that sources give and formats are made of."""

from __future__ import annotations

from typing import Literal

#: ``tensorflow``: a frozen graph of TensorFlow's operators; ``keras``: a model of Keras layers;
#: ``onnx``: a graph of ONNX's operators, as it came.
Graph = Literal["tensorflow", "keras", "onnx"]

#: What a model is of which nothing is known.
ANY: tuple[Graph, ...] = ("tensorflow", "keras")

#: What an ONNX model is, and can be made.
ONNX: tuple[Graph, ...] = ("onnx", "tensorflow")


def named(file: str | None) -> tuple[Graph, ...]:
    """The kinds that a file gives whose content is not there yet, as far as its name tells."""
    return ONNX if file is not None and file.lower().endswith(".onnx") else ANY
