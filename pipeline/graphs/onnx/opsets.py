"""Writes an ONNX graph in a later version of ONNX's operators."""

from __future__ import annotations

from math import prod
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.base.reasons import reason_of
from pipeline.graphs.onnx.canonical import bodies, constant_tensor

#: Constants of fewer values may be shapes or scales, which the library reads.
_SMALL = 64

_TODO = "leave export.onnx.opset out, and techniques that need more than the model's own opset"


def opset_of(model: Any) -> int:
    """The version of ONNX's own operators in a model."""
    return next(int(item.version) for item in model.opset_import if not item.domain)


def raise_opset(model: Any, opset: int) -> Any:
    """The model in at least this version, whose graph may be used up.

    Raises:
        PipelineError: an operator of it cannot be written so.
    """
    from onnx import helper, version_converter

    if opset_of(model) >= opset:
        return model
    if nested := next((node for node in model.graph.node if bodies(node)), None):
        raise _error(model, opset, f"what stands within {nested.op_type} is not converted")
    large = _take_out(model.graph)
    try:
        raised = version_converter.convert_version(model, opset)
    except Exception as error:  # the library's C++ code raises a RuntimeError of its own
        raise _error(model, opset, reason_of(error)) from error
    _put_back(raised.graph, large)
    _lift(raised.graph)
    raised.metadata_props.extend(model.metadata_props)
    raised.ir_version = max(
        model.ir_version, helper.find_min_ir_version_for(raised.opset_import, ignore_unknown=True)
    )
    return raised


def _error(model: Any, opset: int, reason: str) -> PipelineError:
    return PipelineError(
        f"the model is in ONNX's opset {opset_of(model)}, and cannot be written in {opset}: "
        f"{reason}",
        todo=_TODO,
    )


def _take_out(graph: Any) -> dict[str, Any]:
    """Large constants, in whose place are inputs: the library copies what a model holds."""
    from onnx import helper

    large = {
        t.name: type(t).FromString(t.SerializeToString())
        for t in graph.initializer
        if prod(t.dims) >= _SMALL
    }
    small = [
        type(t).FromString(t.SerializeToString()) for t in graph.initializer if t.name not in large
    ]
    del graph.initializer[:]
    graph.initializer.extend(small)
    for name, tensor in large.items():
        graph.input.append(helper.make_tensor_value_info(name, tensor.data_type, tensor.dims))
    return large


def _put_back(graph: Any, large: dict[str, Any]) -> None:
    small = [value for value in graph.input if value.name not in large]
    copies = [type(value).FromString(value.SerializeToString()) for value in small]
    del graph.input[:]
    graph.input.extend(copies)
    graph.initializer.extend(large.values())


def _lift(graph: Any) -> None:
    """Constants that the library wrote as nodes, which passes after it look for elsewhere."""
    left = []
    for node in graph.node:
        tensor = constant_tensor(node) if node.op_type == "Constant" else None
        if tensor is None:
            left.append(type(node).FromString(node.SerializeToString()))
        else:
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(left)
