"""What of an ONNX model is not converted to TensorFlow, told before any work."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pipeline.base.errors import SourceError
from pipeline.graphs.onnx.to_tensorflow.convert import check_known, operators, sort_needed
from pipeline.graphs.onnx.to_tensorflow.outline import as_text, without_shapes
from pipeline.sources.onnx.files import read_model
from pipeline.sources.onnx.names import tensors_of


def find_lacking(path: Path, cut: Collection[str]) -> SourceError | None:
    """What names the nodes; ``None`` where all are converted, as far as their operators tell.

    Args:
        cut: tensors or nodes that alone are wanted; none for the model's own outputs.
    """
    try:
        model = read_model(path)
        with as_text():
            outputs = {value.name: value.name for value in model.graph.output}
            tensors = tensors_of(model) | outputs
            wanted = [tensors[name] for name in cut or outputs if name in tensors]
            bare = without_shapes(model, {}, operators())
            nodes = sort_needed(bare, wanted)
    except SourceError:
        return None  # Of a damaged file the pull tells more.
    try:
        check_known(nodes)
    except SourceError as error:
        return error
    return None
