"""Takes back fusions that a TF.js backend cannot run.

The converter fuses ``MatMul`` and a following addition into ``_FusedMatMul``
whatever the shape of what is added; TF.js' wasm backend takes a vector only.
"""

from __future__ import annotations

from typing import Any

FUSED = {"_FusedMatMul": "MatMul", "_FusedConv2D": "Conv2D"}
ACTIVATIONS = frozenset({b"Relu", b"Relu6", b"Elu", b"Sigmoid", b"Tanh"})
FUSION_ATTRIBUTES = frozenset(
    {"fused_ops", "num_args", "epsilon", "leakyrelu_alpha", "num_host_args", "TArgs"}
)


def unfuse(graph_def: Any) -> None:
    """Split every fused node whose addend is not a constant vector, in place."""
    vectors = {node.name for node in graph_def.node if _is_vector(node)}
    for node in list(graph_def.node):
        if node.op in FUSED and _can_split(node) and node.input[2].split(":")[0] not in vectors:
            _split(graph_def, node)


def _is_vector(node: Any) -> bool:
    return node.op == "Const" and len(node.attr["value"].tensor.tensor_shape.dim) == 1


def _can_split(node: Any) -> bool:
    operators = list(node.attr["fused_ops"].list.s)
    known = all(operator in ACTIVATIONS for operator in operators[1:])
    return operators[:1] == [b"BiasAdd"] and known and len(node.input) == 3


def _split(graph_def: Any, node: Any) -> None:
    """``fused(a, b, c)`` -> ``act(op(a, b) + c)``; the last node keeps the name."""
    operators = [operator.decode() for operator in node.attr["fused_ops"].list.s]
    dtype = type(node.attr["T"])()
    dtype.CopyFrom(node.attr["T"])
    product = graph_def.node.add(name=f"{node.name}/product", op=FUSED[node.op])
    product.input.extend(node.input[:2])
    for name, value in node.attr.items():
        if name not in FUSION_ATTRIBUTES:
            product.attr[name].CopyFrom(value)
    chain, addend = ["AddV2", *operators[1:]], node.input[2]
    node.attr.clear()
    before = product.name
    for index, operator in enumerate(chain):
        last = index == len(chain) - 1
        step = node if last else graph_def.node.add(name=f"{node.name}/{operator}")
        step.op = operator
        del step.input[:]
        step.input.extend([before, addend] if index == 0 else [before])
        step.attr["T"].CopyFrom(dtype)
        before = step.name
