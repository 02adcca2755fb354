"""What a config may call in an ONNX model: tensors, nodes and free dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.graphs.onnx.to_tensorflow.outline import free_dimensions

#: So many names are told in an error.
NAMED = 8


def tensors_of(model: Any) -> dict[str, str]:
    """What a config may call a tensor -> its name: its own, or that of the node that gives it."""
    nodes = list(model.graph.node)
    by_node = {node.name: node.output[0] for node in nodes if node.name and node.output}
    return by_node | {name: name for node in nodes for name in node.output if name}


def find_tensor(tensors: Mapping[str, str], name: str) -> str:
    """The tensor of that name.

    Raises:
        SourceError: there is none.
    """
    if name in tensors:
        return tensors[name]
    close = get_close_matches(name, tensors, NAMED)
    raise SourceError(
        f"the model has no tensor or node {name!r}"
        + (f"; names like it are {', '.join(close)}" if close else ""),
        where="source.outputs",
        todo="name one as Netron shows it",
    )


def check_dimensions(dimensions: Mapping[str, int | None], model: Any) -> None:
    """Refuse sizes of dimensions that there are not, or that are none of the users' choice.

    Raises:
        SourceError: it names one.
    """
    free = free_dimensions(model)
    unknown = [name for name in dimensions if name not in free]
    if unknown:
        names = f"its free ones are {', '.join(free)}" if free else "it has no free ones"
        raise SourceError(
            f"the model has no dimension {unknown[0]!r}; {names}",
            where="source.onnx.dimensions",
            todo="name one of these" if free else "leave dimensions out",
        )


def is_narrow(model: Any) -> bool:
    """Whether a model has weights or inputs of 16 bits."""
    from onnx import TensorProto

    kinds = {tensor.data_type for tensor in model.graph.initializer}
    kinds |= {value.type.tensor_type.elem_type for value in model.graph.input}
    return bool(kinds & {TensorProto.FLOAT16, TensorProto.BFLOAT16})
