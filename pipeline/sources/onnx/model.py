"""An ONNX model in TensorFlow, whole or up to tensors inside it, with onnxruntime beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.onnx.own import Part
from pipeline.graphs.onnx.to_tensorflow.convert import convert, operators
from pipeline.graphs.onnx.to_tensorflow.outline import as_text, outline
from pipeline.sources.contract import LoadedModel
from pipeline.sources.onnx.files import read_model
from pipeline.sources.onnx.names import check_dimensions, find_tensor, is_narrow, tensors_of
from pipeline.sources.onnx.reference import Runtime
from pipeline.tensors.signature import TensorSpec


class OnnxModel:
    """A model's file, read once."""

    def __init__(self, path: Path, dimensions: Mapping[str, int | None]) -> None:
        """
        Raises:
            SourceError: the file is no model, or has no such dimension.
        """
        self._path = path
        model = read_model(path)
        with as_text():
            self._outputs = [output.name for output in model.graph.output]
            check_dimensions(dimensions, model)
            self._tensors, self._narrow = tensors_of(model), is_narrow(model)
        self._outline = outline(model, dimensions, operators())

    def whole(self) -> LoadedModel:
        """The model as it is."""
        return self._loaded(self._outputs)

    def until(self, names: Sequence[str]) -> LoadedModel:
        """The model up to these tensors or nodes, in this order.

        Raises:
            SourceError: there is none of that name.
        """
        return self._loaded([find_tensor(self._tensors, name) for name in names])

    def _loaded(self, outputs: Sequence[str]) -> LoadedModel:
        from pipeline.sources.tensorflow.graph_model import graph_model

        graph = convert(self._outline, self._path.parent, outputs)
        try:
            loaded = graph_model(graph.graph_def, graph.inputs, graph.outputs)
        except SourceError:
            raise
        except Exception as error:  # whatever a crafted or an odd file makes TensorFlow raise
            raise SourceError(
                f"TensorFlow does not take this graph ({reason_of(error)})",
                where="onnx",
                todo="check that onnxruntime loads it; if it does, report the model",
            ) from error
        part = Part(_names(loaded.signature.inputs), _names(loaded.signature.outputs))
        runtime = Runtime(self._path, part)
        return replace(
            loaded,
            reference=runtime.reference(narrow=self._narrow),
            layers=[*self._tensors],
            until=self.until,
        )


def _names(specs: Sequence[TensorSpec]) -> dict[str, str]:
    """Public name -> the model's own."""
    return {spec.name: spec.renamed_from or spec.name for spec in specs}
