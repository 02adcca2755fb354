"""Constants that a graph computes cheaply from much smaller ones, and that folding would blow up.

A bias repeated for every pixel, or the sum of a row and a column, takes many times the bytes of
what it is made from, and next to no time to be made again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

#: What only repeats, moves or adds up numbers; TF.js and ONNX have all of them.
CHEAP = frozenset(
    {
        "Add",
        "AddV2",
        "BroadcastTo",
        "Cast",
        "ExpandDims",
        "Fill",
        "Identity",
        "Maximum",
        "Minimum",
        "Mul",
        "OneHot",
        "Pack",
        "RealDiv",
        "Reshape",
        "Squeeze",
        "StridedSlice",
        "Sub",
        "Tile",
        "Transpose",
    }
)

#: A computed constant of so many bytes, and of so many times those that it is made from, stays a
#: computation. Stored weights of one byte become floats of four: those are to be folded.
LEAST_BYTES, LEAST_GROWTH = 4096, 4


def stay_computed(graph: Any, outputs: Collection[str]) -> set[str]:
    """Names of operations that are better not folded: constants blown up, and all from which they
    are computed down to what is worth storing.

    Args:
        graph: a ``tf.Graph``.
        outputs: names of the operations that are results.
    """
    sizes: dict[str, int] = {}
    needs: dict[str, int] = {}
    operations = graph.get_operations()
    for operation in operations:
        size = constant_bytes(operation, sizes, outputs)
        if size is not None:
            sizes[operation.name] = size
            needs[operation.name] = _needed_bytes(operation, size, needs)
    waiting = [
        tensor.op
        for operation in operations
        if operation.name not in sizes
        for tensor in operation.inputs
        if _is_blown_up(sizes.get(tensor.op.name, 0), needs.get(tensor.op.name, 0))
    ]
    computed: set[str] = set()
    while waiting:
        operation = waiting.pop()
        if operation.name not in computed and needs[operation.name] < sizes[operation.name]:
            computed.add(operation.name)
            waiting += [tensor.op for tensor in operation.inputs]
    return computed


def hide(graph_def: Any, names: Collection[str]) -> dict[str, Any]:
    """Let operations of these names read a placeholder, in place, so that none is folded.

    Returns:
        The constant to put back in the place of each placeholder, by name.
    """
    nodes = {node.name: node for node in graph_def.node}
    hidden = {}
    for node in [node for node in graph_def.node if node.name in names]:
        # What is repeated; shapes have to stay known.
        position = 1 if node.op == "Fill" else 0
        constant = nodes[node.input[position].split(":")[0]]
        if constant.op != "Const":
            continue
        placeholder = graph_def.node.add(name=f"{node.name}/hidden", op="Placeholder")
        placeholder.attr["dtype"].CopyFrom(constant.attr["dtype"])
        placeholder.attr["shape"].shape.CopyFrom(constant.attr["value"].tensor.tensor_shape)
        hidden[placeholder.name] = type(constant).FromString(constant.SerializeToString())
        hidden[placeholder.name].name = placeholder.name
        node.input[position] = placeholder.name
    return hidden


def restore(graph_def: Any, hidden: dict[str, Any]) -> None:
    """Put constants back, in place."""
    for node in graph_def.node:
        if node.name in hidden:
            node.CopyFrom(hidden[node.name])


def constant_bytes(operation: Any, sizes: Collection[str], outputs: Collection[str]) -> int | None:
    """Bytes of an operation's value if it depends on constants alone, else ``None``.

    Args:
        sizes: the constants known so far, by name.
        outputs: names of the operations that are results.
    """
    if operation.type == "Const":
        shape = operation.outputs[0].shape
        return int(shape.num_elements() or 0) * int(operation.outputs[0].dtype.size)
    is_known = operation.inputs and all(tensor.op.name in sizes for tensor in operation.inputs)
    if not is_known or operation.name in outputs or operation.control_inputs:
        return None
    if len(operation.outputs) != 1 or operation.op_def.is_stateful or _has_body(operation):
        return None
    out = operation.outputs[0]
    elements = out.shape.num_elements() if out.dtype.is_numpy_compatible else None
    if elements is None or out.dtype.size == 0:
        return None
    return int(elements * out.dtype.size)


def _has_body(operation: Any) -> bool:
    return any(value.HasField("func") for value in operation.node_def.attr.values())


def _needed_bytes(operation: Any, size: int, needs: dict[str, int]) -> int:
    """What has to be stored so that the operation's value can be had."""
    if operation.type not in CHEAP or not operation.inputs:
        return size
    return min(size, sum(needs[name] for name in {tensor.op.name for tensor in operation.inputs}))


def _is_blown_up(size: int, needed: int) -> bool:
    return size > LEAST_BYTES and size > LEAST_GROWTH * needed
