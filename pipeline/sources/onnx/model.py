"""An ONNX model in TensorFlow, whole or up to tensors inside it, with onnxruntime beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.onnx.to_tensorflow.convert import convert, operators
from pipeline.graphs.onnx.to_tensorflow.outline import as_text, free_dimensions, outline
from pipeline.sources.contract import LoadedModel
from pipeline.sources.onnx.files import read_model
from pipeline.sources.onnx.reference import reference

#: So many names are told in an error.
NAMED = 8


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
            _check_dimensions(dimensions, free_dimensions(model))
            self._tensors = _tensors(model)
        self._outline = outline(model, dimensions, operators())

    def whole(self) -> LoadedModel:
        """The model as it is."""
        return self._loaded(self._outputs)

    def until(self, names: Sequence[str]) -> LoadedModel:
        """The model up to these tensors or nodes, in this order.

        Raises:
            SourceError: there is none of that name.
        """
        return self._loaded([self._tensor(name) for name in names])

    def _tensor(self, name: str) -> str:
        if name in self._tensors:
            return self._tensors[name]
        close = get_close_matches(name, self._tensors, NAMED)
        raise SourceError(
            f"the model has no tensor or node {name!r}"
            + (f"; names like it are {', '.join(close)}" if close else ""),
            where="source.outputs",
            todo="name one as Netron shows it",
        )

    def _is_narrow(self) -> bool:
        """Whether the model has weights or inputs of 16 bits."""
        from onnx import TensorProto

        kinds = {tensor.data_type for tensor in self._outline.tensors.values()}
        kinds |= {v.type.tensor_type.elem_type for v in self._outline.model.graph.input}
        return bool(kinds & {TensorProto.FLOAT16, TensorProto.BFLOAT16})

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
        own = reference(self._path, loaded.signature, narrow=self._is_narrow())
        return replace(loaded, reference=own, layers=[*self._tensors], until=self.until)


def _tensors(model: object) -> dict[str, str]:
    """What a config may call a tensor -> its name: its own, or that of the node that gives it."""
    nodes = list(model.graph.node)  # type: ignore[attr-defined]
    by_node = {node.name: node.output[0] for node in nodes if node.name and node.output}
    return by_node | {name: name for node in nodes for name in node.output if name}


def _check_dimensions(dimensions: Mapping[str, int | None], free: Sequence[str]) -> None:
    unknown = [name for name in dimensions if name not in free]
    if unknown:
        names = f"its free ones are {', '.join(free)}" if free else "it has no free ones"
        raise SourceError(
            f"the model has no dimension {unknown[0]!r}; {names}",
            where="source.onnx.dimensions",
            todo="name one of these" if free else "leave dimensions out",
        )
