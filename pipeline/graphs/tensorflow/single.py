"""Float dtypes other than float32, written in float32: no browser format computes in the others.

bfloat16 and float16 gain bits by that; float64 loses some, which a proof against the source in its
own dtype shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.artifacts.large import ATTRIBUTE
from pipeline.base.errors import PipelineError
from pipeline.graphs.tensorflow.canonical_graph import all_nodes
from pipeline.tensors.arrays import Array, np

#: NumPy's name of a dtype -> that in which it is computed.
SINGLE = {
    **dict.fromkeys(("bfloat16", "float16", "float64"), "float32"),
    "complex128": "complex64",
}


#: Those of fewer bits than float32, and their numbers in TensorFlow's types.proto.
NARROW = {"bfloat16": 14, "float16": 19}


def to_single(graph_def: Any) -> list[str]:
    """Change a GraphDef so that it computes in float32, its functions too.

    Constants beyond float32's range become its largest number, as masks of -1e300 mean it.

    Returns:
        The dtypes that it computed in, by NumPy's names.

    Raises:
        PipelineError: a node reads the bits of a number that has other bits in float32.
    """
    import tensorflow as tf

    kinds = {tf.as_dtype(name).as_datatype_enum: name for name in SINGLE}
    names: set[str] = set()

    def narrowed(kind: int) -> int:
        # A reference to a variable has a number that is 100 larger.
        name = kinds.get(kind % 100)
        if name is None:
            return kind
        names.add(name)
        return int(tf.as_dtype(SINGLE[name]).as_datatype_enum) + kind // 100 * 100

    for node in all_nodes(graph_def):
        _check_bits(node, kinds)
        if ATTRIBUTE in node.attr:  # its value lies in a file, in float32
            node.attr["value"].tensor.dtype = narrowed(node.attr["dtype"].type)
        for value in node.attr.values():
            _narrow(value, narrowed)
        if node.op == "Cast" and node.attr["SrcT"].type == node.attr["DstT"].type:
            _pass_on(node)
    for function in graph_def.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            argument.type = narrowed(argument.type)
    return sorted(names)


def _narrow(value: Any, narrowed: Any) -> None:
    kind = value.WhichOneof("value")
    if kind == "type":
        value.type = narrowed(value.type)
    elif kind == "tensor" and narrowed(value.tensor.dtype) != value.tensor.dtype:
        value.tensor.CopyFrom(_constant(value.tensor))
    elif kind == "list":
        value.list.type[:] = [narrowed(number) for number in value.list.type]
        for function in value.list.func:
            for inner in function.attr.values():
                _narrow(inner, narrowed)
    elif kind == "func":
        for inner in value.func.attr.values():
            _narrow(inner, narrowed)


def _constant(tensor: Any) -> Any:
    import tensorflow as tf

    return tf.make_tensor_proto(in_single(tf.make_ndarray(tensor)))


def in_single(values: Array) -> Array:
    """An array as ``to_single`` has it; as it is where it holds no floats of other dtypes."""
    if values.dtype.name not in SINGLE:
        return values
    single = np.dtype(SINGLE[values.dtype.name])
    if values.dtype == np.float64:
        limit = np.finfo(single).max
        values = np.where(np.isfinite(values), np.clip(values, -limit, limit), values)
    return values.astype(single)


def _check_bits(node: Any, kinds: Mapping[int, str]) -> None:
    read = {kinds.get(value.type) for value in node.attr.values()} - {None}
    if node.op == "Bitcast" and read:
        raise PipelineError(
            f"{node.name!r} reads the bits of a {read.pop()} number, which are others in float32",
            where="freeze",
            todo="compute that in front of the model, or build the model in float32",
        )


def _pass_on(node: Any) -> None:
    kind = node.attr["DstT"].type
    node.op = "Identity"
    node.attr.clear()
    node.attr["T"].type = kind
