"""Reads a source as it came: its own graph in one canonical spelling, with its signature."""

from __future__ import annotations

import shutil
from math import prod
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.graphs import origins
from pipeline.sources.load import load_own


@step(version=1, tools=("onnx", "onnxruntime"))
def read(source: SourceFolder, options: NoOptions, work: Path) -> None:
    """SOURCE -> OWN, always the same bytes.

    Raises:
        SourceError: it is no such model, or its runtime does not take it.
    """
    own = load_own(source.folder)
    scratch = work / "scratch"
    scratch.mkdir()
    large = LargeTensors.of(scratch)
    model, dtypes = own.graph(large)
    ConvertedOnnx(work).write(model, own.signature, large)
    shutil.rmtree(scratch)
    Frozen(work).write_facts(_parameters(model), {"dtypes": list(dtypes)})
    names = [name for node in model.graph.node for name in node.output if name]
    origins.write(work, {name: name for name in names})


def _parameters(model: Any) -> int:
    """How many float weights there are."""
    from onnx import TensorProto

    from pipeline.graphs.onnx.canonical import graphs

    tensors = (tensor for graph in graphs(model.graph) for tensor in graph.initializer)
    return sum(prod(t.dims) for t in tensors if t.dims and t.data_type == TensorProto.FLOAT)
