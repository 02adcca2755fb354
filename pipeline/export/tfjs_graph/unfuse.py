"""Takes back fusions that no TF.js backend, or not each of them, can run.

The converter's graph optimizer fuses for TensorFlow's own kernels: a following addition into
``_FusedMatMul`` whatever the shape of what is added, where TF.js' wasm backend takes a vector
only; and activations that TF.js' fused kernels lack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FUSED = {"_FusedMatMul": "MatMul", "_FusedConv2D": "Conv2D"}
#: Activations that every backend of TF.js 4.22 has in its fused kernels.
FUSABLE = frozenset({b"Relu", b"Relu6", b"Elu", b"Sigmoid"})
FUSION_ATTRIBUTES = frozenset(
    {"fused_ops", "num_args", "epsilon", "leakyrelu_alpha", "num_host_args", "TArgs"}
)

#: Makes an activation of the tensor ``before`` out of a node that keeps its name.
Activate = Callable[[Any, Any, str], None]


def unfuse(graph_def: Any) -> None:
    """Split every fused node whose addend is not a constant vector or whose activation is not
    among TF.js' own, in place. The last node of each keeps the name."""
    vectors = {node.name for node in graph_def.node if _is_vector(node)}
    for node in list(graph_def.node):
        if node.op not in FUSED or not _can_split(node):
            continue
        _split_activation(graph_def, node)
        if node.op in FUSED and node.input[2].split(":")[0] not in vectors:
            _split(graph_def, node)


def _is_vector(node: Any) -> bool:
    return node.op == "Const" and len(node.attr["value"].tensor.tensor_shape.dim) == 1


def _can_split(node: Any) -> bool:
    operators = list(node.attr["fused_ops"].list.s)
    separable = all(operator in FUSABLE or operator in LACKING for operator in operators[1:])
    return operators[:1] == [b"BiasAdd"] and separable and len(node.input) == 3


def _split_activation(graph_def: Any, node: Any) -> None:
    """``fused(a, b, c)`` with an activation that TF.js lacks -> ``act(fused(a, b, c))``."""
    operators = list(node.attr["fused_ops"].list.s)
    if operators[-1] not in LACKING:
        return
    biased = graph_def.node.add()
    biased.CopyFrom(node)
    biased.name = f"{node.name}/biased"
    biased.attr["fused_ops"].list.s[:] = operators[:-1]
    dtype = _dtype(node)
    node.attr.clear()
    node.attr["T"].CopyFrom(dtype)
    LACKING[operators[-1]](graph_def, node, biased.name)


def _tanh(graph_def: Any, node: Any, before: str) -> None:
    node.op = "Tanh"
    _read(node, before)


def _hard_swish(graph_def: Any, node: Any, before: str) -> None:
    """``x * relu6(x + 3) / 6``, Howard et al. (2019), arXiv:1905.02244."""
    three, sixth = (
        _scalar(graph_def, f"{node.name}/{name}", value)
        for name, value in (("three", 3.0), ("sixth", 1 / 6))
    )
    moved = _add(graph_def, node, "AddV2", before, three)
    gate = _add(graph_def, node, "Relu6", moved)
    product = _add(graph_def, node, "Mul", before, gate)
    node.op = "Mul"
    _read(node, product, sixth)


LACKING: dict[bytes, Activate] = {b"Tanh": _tanh, b"_FusedHardSwish": _hard_swish}


def _split(graph_def: Any, node: Any) -> None:
    """``fused(a, b, c)`` -> ``act(op(a, b) + c)``."""
    operators = [operator.decode() for operator in node.attr["fused_ops"].list.s]
    dtype = _dtype(node)
    product = graph_def.node.add(name=f"{node.name}/product", op=FUSED[node.op])
    product.input.extend(node.input[:2])
    for name, value in node.attr.items():
        if name not in FUSION_ATTRIBUTES:
            product.attr[name].CopyFrom(value)
    chain, addend = ["AddV2", *operators[1:]], node.input[2]
    node.attr.clear()
    node.attr["T"].CopyFrom(dtype)
    before = product.name
    for index, operator in enumerate(chain):
        inputs = [before, addend] if index == 0 else [before]
        if index == len(chain) - 1:
            node.op = operator
            _read(node, *inputs)
        else:
            before = _add(graph_def, node, operator, *inputs)


def _add(graph_def: Any, node: Any, operator: str, *inputs: str) -> str:
    """A new node of the type that ``node`` has, and its name."""
    added = graph_def.node.add(name=f"{node.name}/{operator}", op=operator)
    added.attr["T"].CopyFrom(node.attr["T"])
    added.input.extend(inputs)
    name: str = added.name
    return name


def _scalar(graph_def: Any, name: str, value: float) -> str:
    from tensorflow import make_tensor_proto

    node = graph_def.node.add(name=name, op="Const")
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(value, "float32"))
    node.attr["dtype"].type = node.attr["value"].tensor.dtype
    return name


def _read(node: Any, *inputs: str) -> None:
    del node.input[:]
    node.input.extend(inputs)


def _dtype(node: Any) -> Any:
    """A copy that outlives the node's attributes."""
    dtype = type(node.attr["T"])()
    dtype.CopyFrom(node.attr["T"])
    return dtype
