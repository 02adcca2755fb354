"""ONNX weights: re-encoded with the operators that decode them, and moved to files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of
from pipeline.base.errors import PipelineError
from pipeline.graphs.onnx.canonical import graphs
from pipeline.tensors.arrays import np
from pipeline.weights import exact
from pipeline.weights.codec import Encoded, Weight, blocked_axis, codecs
from pipeline.weights.exact import Exact

#: What needs a newer opset than all that can be chosen have: DequantizeLinear has blocks since 21.
OPSETS = {"int4": 21}

#: A tensor of fewer values gains less than the node that decodes it costs.
ENCODED_VALUES = 256

#: A bias of fewer values gains less than that node costs.
BIAS_VALUES = 64

#: Where a bias may stand.
BIAS_INPUTS = frozenset({("Conv", 2), ("ConvTranspose", 2), ("Gemm", 2)})

#: Where a weight may stand: operator -> input positions. Biases are not among them:
#: they are small, and an error in them moves a whole channel.
WEIGHT_INPUTS = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "Gemm": (0, 1),
    "MatMul": (0, 1),
    "Gather": (0,),
    "LSTM": (1, 2),
    "GRU": (1, 2),
    "RNN": (1, 2),
}


def opset(model: Any) -> int:
    """The version of ONNX's own operators in ``model``."""
    return next(int(item.version) for item in model.opset_import if not item.domain)


def encode(
    model: Any,
    codec: str,
    codec_options: Mapping[str, Any],
    large: LargeTensors | None = None,
    kept: Collection[str] = (),
) -> list[Exact]:
    """Re-encode the weights of ``model`` in place, and decode them in front of their readers.

    Plain ONNX that every runtime has.

    Args:
        codec: the name of one.
        large: where tensors in files are, if there may be some.
        kept: names of those that are to stay float32.

    Returns:
        Those that stayed.

    Raises:
        PipelineError: the model's opset cannot decode it.
    """
    if opset(model) < OPSETS.get(codec, 0):
        raise PipelineError(
            f"ONNX has {codec} weights since opset {OPSETS[codec]}, and this is {opset(model)}",
            todo=f"set export.onnx.opset: {OPSETS[codec]}",
        )
    places = list(weights_of(model, large))
    weights = [weight for _, _, weight in places]
    encoded, stayed = exact.encode(codecs()[codec], weights, codec_options, kept)
    for (graph, tensor, weight), encoding in zip(places, encoded, strict=True):
        if encoding is not None:
            _decode(graph, tensor, scales_axis(weight, encoding), encoding)
    return stayed


def scales_axis(weight: Weight, encoded: Encoded) -> int | None:
    """Along which there is a scale for each channel; ``None`` for one in all."""
    return weight.axis if encoded.zero is not None and encoded.zero.ndim else None


def weights_of(model: Any, large: LargeTensors | None) -> Iterator[tuple[Any, Any, Weight]]:
    """The tensors to encode, each with its graph."""
    readers = _readers(model.graph)
    for graph in graphs(model.graph):
        for tensor in list(graph.initializer):
            read = readers[tensor.name]
            axis = _encoding_axis(tensor, read)
            bias = axis is NOT_A_WEIGHT and _is_bias(tensor, read)
            if bias or axis is not NOT_A_WEIGHT:
                values = array_of(tensor, large)
                sides = None if bias else _sides(values.ndim, axis)
                weight = Weight(values, None if bias else axis, sides, bias, tensor.name)
                yield graph, tensor, weight


def _sides(rank: int, axis: int | None) -> tuple[int, int] | None:
    """The channel axes: the first two of a convolution's kernel, the last two of a matrix."""
    if rank < 2:
        return None
    return (0, 1) if rank > 2 and axis in (0, 1) else (rank - 2, rank - 1)


def _is_bias(tensor: Any, readers: list[tuple[Any, int]]) -> bool:
    from onnx import TensorProto

    return (
        tensor.data_type == TensorProto.FLOAT
        and len(tensor.dims) == 1
        and tensor.dims[0] >= BIAS_VALUES
        and all(
            node is not None and not node.domain and (node.op_type, position) in BIAS_INPUTS
            for node, position in readers
        )
    )


NOT_A_WEIGHT = "not a weight"


def _readers(graph: Any) -> dict[str, list[tuple[Any, int]]]:
    """Who reads each value, at which input; a graph's output is read at -1."""
    readers: dict[str, list[tuple[Any, int]]] = defaultdict(list)
    for inner in graphs(graph):
        for node in inner.node:
            for position, name in enumerate(node.input):
                readers[name].append((node, position))
        for value in inner.output:
            readers[value.name].append((None, -1))
    return readers


def _encoding_axis(tensor: Any, readers: list[tuple[Any, int]]) -> Any:
    """The channel axis, ``None`` for one scale in all, or NOT_A_WEIGHT."""
    from math import prod

    from onnx import TensorProto

    if tensor.data_type != TensorProto.FLOAT or prod(tensor.dims) < ENCODED_VALUES:
        return NOT_A_WEIGHT
    for node, position in readers:
        if node is None or node.domain or position not in WEIGHT_INPUTS.get(node.op_type, ()):
            return NOT_A_WEIGHT
    axes = {_channel_axis(node, position, len(tensor.dims)) for node, position in readers}
    return axes.pop() if len(axes) == 1 else None


def _channel_axis(node: Any, position: int, rank: int) -> int | None:
    """The axis of one tensor whose slices each make one output channel."""
    integers = {item.name: item.i for item in node.attribute}
    kind = (node.op_type, position)
    if kind == ("Conv", 1):
        return 0
    if kind == ("ConvTranspose", 1):
        return 1 if integers.get("group", 1) == 1 else None
    if kind == ("Gemm", 1):
        return 0 if integers.get("transB", 0) else 1
    if kind == ("MatMul", 1) and rank > 1:
        return rank - 1
    return None


def _decode(graph: Any, tensor: Any, axis: int | None, encoded: Encoded) -> None:
    """Put the encoded data in a tensor's place, and nodes that decode it before its readers.

    ``Mul(Sub(Cast(data), zero), scale)``: onnxruntime computes these once as it loads a model, but
    DequantizeLinear anew for each inference (the bundled model: 1.4 to 3.2 times the time).
    """
    from onnx import numpy_helper

    name = tensor.name
    tensor.CopyFrom(_stored(encoded, f"{name}.data"))
    if encoded.block is not None:
        _decode_blocks(graph, name, encoded)
        return
    steps: list[tuple[str, Any]] = [("Cast", None)]
    if encoded.scale is not None and encoded.zero is not None:
        shape = [1] * encoded.data.ndim if encoded.zero.ndim else []
        if axis is not None:
            shape[axis] = -1
        if encoded.zero.any():
            equal = (encoded.zero == encoded.zero.flat[0]).all()
            zero = encoded.zero.flat[0] if equal else encoded.zero.reshape(shape)
            steps.append(("Sub", zero.astype("float32")))
        steps.append(("Mul", encoded.scale.reshape(shape)))
    value, nodes = f"{name}.data", []
    for kind, operand in steps:
        result = name if kind == steps[-1][0] else f"{name}.{kind}"
        inputs = [value]
        if operand is not None:
            inputs.append(f"{name}.{kind}.by")
            graph.initializer.append(numpy_helper.from_array(_array(operand), inputs[-1]))
        nodes.append(_node(kind, inputs, result))
        value = result
    for node in reversed(nodes):
        graph.node.insert(0, node)


def _node(kind: str, inputs: list[str], output: str) -> Any:
    from onnx import TensorProto, helper

    attributes = {"to": TensorProto.FLOAT} if kind == "Cast" else {}
    return helper.make_node(kind, inputs, [output], **attributes)


def _array(operand: Any) -> Any:
    return np.asarray(operand, np.float32)


def _decode_blocks(graph: Any, name: str, encoded: Encoded) -> None:
    from onnx import helper, numpy_helper

    graph.initializer.append(numpy_helper.from_array(_array(encoded.scale), f"{name}.scale"))
    axis, block = blocked_axis(encoded), encoded.block
    inputs = [f"{name}.data", f"{name}.scale"]
    node = helper.make_node("DequantizeLinear", inputs, [name], axis=axis, block_size=block)
    graph.node.insert(0, node)


def _stored(encoded: Encoded, name: str) -> Any:
    from onnx import TensorProto, numpy_helper

    if encoded.block is None:
        return numpy_helper.from_array(encoded.data, name)
    # Two to a byte, the first in the lower half.
    flat = encoded.data.ravel() & 15
    pairs = np.resize(np.append(flat, 0), (-(-flat.size // 2), 2)).astype(np.uint8)
    raw = (pairs[:, 0] | pairs[:, 1] << 4).tobytes()
    kind = TensorProto.INT4
    return TensorProto(name=name, data_type=kind, dims=encoded.data.shape, raw_data=raw)
