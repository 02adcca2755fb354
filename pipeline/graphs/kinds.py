"""The kinds of graphs that sources give and formats are made of."""

from __future__ import annotations

from typing import Literal

#: ``tensorflow``: a frozen graph of TensorFlow's operators; ``keras``: a model of Keras layers.
Graph = Literal["tensorflow", "keras"]
