"""Reads a TFLite file that may be damaged or crafted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.graphs.tflite.model import Model, Operator, Quantization, Tensor
from pipeline.graphs.tflite.reader import Reader, array, text
from pipeline.graphs.tflite.sparse import densify
from pipeline.graphs.tflite.stored import DTYPES, unpack
from pipeline.tensors.arrays import Array, np

IDENTIFIER = b"TFL3"
#: TFLite's own operators take no more.
MOST_DIMENSIONS = 8


def read(data: bytes, where: str, signature: str | None = None) -> Model:
    """The subgraph that a signature names.

    Args:
        where: what errors call the file.
        signature: its key; ``None`` for the only one there is, or where there is none.

    Raises:
        SourceError: the file is damaged, or has no such signature.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    reader = Reader(data, where)
    if data[4:8] != IDENTIFIER:
        raise reader.fail("this is no TFLite file: it does not say TFL3", "name a .tflite file")
    with reader.reading("its head"):
        file = schema.Model.GetRootAs(data)
        signatures = {text(s.SignatureKey()): s for s in reader.tables(file, "SignatureDefs")}
        subgraphs = file.SubgraphsLength()
        kinds = [_kind(schema, code) for code in reader.tables(file, "OperatorCodes")]
    key = _choose(reader, signatures, signature)
    with reader.reading("its graph"):
        subgraph = signatures[key].SubgraphIndex() if key is not None else 0
        if not 0 <= subgraph < reader.count(subgraphs):
            raise IndexError(subgraph)
        graph = file.Subgraphs(subgraph)
        operators = tuple(
            _operator(reader, schema, number, node, kinds)
            for number, node in enumerate(reader.tables(graph, "Operators"))
        )
        computed = {index for node in operators for index in node.outputs}
        computed.update(reader.integers(graph, "Inputs"))
    tensors = tuple(_tensors(reader, file, graph, computed))
    with reader.reading("what its nodes take and give"):
        _check_indices(operators, len(tensors))
        ends = [reader.integers(graph, side) for side in ("Inputs", "Outputs")]
        maps: list[Mapping[int, str]] = [{}, {}]
        if key is not None:
            sides = [reader.tables(signatures[key], side) for side in ("Inputs", "Outputs")]
            maps = [{m.TensorIndex(): text(m.Name()) for m in side} for side in sides]
        inputs, outputs = map(_named, ends, maps, (tensors, tensors))
    return Model(tensors, operators, inputs, outputs, subgraph)


def _choose(reader: Reader, signatures: Mapping[str, Any], asked_for: str | None) -> str | None:
    """The key of a signature."""
    if asked_for is None and (not signatures or "serving_default" in signatures):
        return "serving_default" if signatures else None
    if asked_for is None and len(signatures) == 1:
        return next(iter(signatures))
    if asked_for in signatures:
        return asked_for
    has = f"it has {', '.join(signatures)}" if signatures else "it has none"
    asked = f"no signature {asked_for!r}" if asked_for is not None else "several signatures"
    raise reader.fail(
        f"this file has {asked}; {has}",
        "set source.tflite.signature to one of these"
        if signatures
        else "leave source.tflite.signature out",
    )


def _kind(schema: Any, code: Any) -> str:
    """What an operator is called: older files say it in a field of one byte."""
    number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    if number == schema.BuiltinOperator.CUSTOM:
        return text(code.CustomCode()) or "CUSTOM"
    return builtin_names(schema).get(number, f"builtin {number}")


def builtin_names(schema: Any) -> dict[int, str]:
    """Number -> name of each builtin operator."""
    return {number: name for name, number in vars(schema.BuiltinOperator).items() if name[0] != "_"}


def _operator(
    reader: Reader, schema: Any, number: int, node: Any, kinds: Sequence[str]
) -> Operator:
    code = node.OpcodeIndex()
    if not 0 <= code < len(kinds):
        raise IndexError(code)
    custom = array(node, "CustomOptions").tobytes() if node.CustomOptionsLength() else b""
    reader.count(len(custom) // 4)
    return Operator(
        number,
        kinds[code],
        reader.integers(node, "Inputs"),
        reader.integers(node, "Outputs"),
        _options(schema, node),
        kinds[code] not in vars(schema.BuiltinOperator),
        custom,
    )


def _options(schema: Any, node: Any) -> Any:
    """The table of an operator's options, of the class that the schema names."""
    table = node.BuiltinOptions()
    names = {value: name for name, value in vars(schema.BuiltinOptions).items()}
    name = names.get(node.BuiltinOptionsType(), "NONE")
    if table is None or name == "NONE":
        return None
    options = getattr(schema, name)()
    options.Init(table.Bytes, table.Pos)
    return options


def _tensors(reader: Reader, file: Any, graph: Any, computed: set[int]) -> Iterator[Tensor]:
    with reader.reading("its list of tensors"):
        tables = list(reader.tables(graph, "Tensors"))
    for index, table in enumerate(tables):
        with reader.reading(f"tensor {index}"):
            tensor = _tensor(reader, file, table, constant=index not in computed)
        yield tensor


def _tensor(reader: Reader, file: Any, table: Any, *, constant: bool) -> Tensor:
    name, dtype = text(table.Name()), DTYPES[table.Type()]
    shape = reader.integers(table, "Shape")
    if len(shape) > MOST_DIMENSIONS or any(size < 0 for size in shape):
        raise ValueError(shape)
    free = reader.integers(table, "ShapeSignature") or shape
    values = None
    if constant:
        stored = _buffer(reader, file, table.Buffer())
        if sparsity := table.Sparsity():
            values = densify(reader, sparsity, unpack(stored, dtype), shape)
        elif stored.size or 0 in shape:
            values = unpack(stored, dtype, shape)
    return Tensor(
        name,
        dtype,
        tuple(None if size < 0 else size for size in free),
        _quantization(table.Quantization(), shape),
        values,
    )


def _buffer(reader: Reader, file: Any, index: int) -> Array:
    """The bytes of a buffer, where they lie in the file."""
    if not 0 <= index < file.BuffersLength():
        raise IndexError(index)
    buffer = file.Buffers(index)
    start, size = buffer.Offset(), buffer.Size()
    # Files of more than 2 GiB keep them behind the tables.
    if start > 1:
        return np.frombuffer(reader.data, np.uint8, size, start)
    return array(buffer, "Data").view(np.uint8) if buffer.DataLength() else np.zeros(0, np.uint8)


def _quantization(table: Any, shape: Sequence[int]) -> Quantization | None:
    """How numbers are stored; ``None`` where they are stored as they are."""
    if table is None or not table.ScaleLength():
        return None
    scale, axis = array(table, "Scale").astype(np.float32), table.QuantizedDimension()
    zero = array(table, "ZeroPoint").astype(np.int64)
    zero = zero if zero.size else np.zeros(1, np.int64)
    if scale.size > 1 and not (0 <= axis < len(shape) and shape[axis] == scale.size):
        raise ValueError("scales that fit no axis")
    if zero.size not in (1, scale.size) or not np.isfinite(scale).all():
        raise ValueError("zero points that do not fit the scales")
    return Quantization(scale, zero, axis)


def _check_indices(operators: Sequence[Operator], tensors: int) -> None:
    for node in operators:
        inputs, outputs = node.inputs, node.outputs
        if not all(-1 <= i < tensors for i in inputs) or not all(0 <= i < tensors for i in outputs):
            raise IndexError(node.index)


def _named(ends: Sequence[int], names: Mapping[int, str], tensors: Sequence[Tensor]) -> Any:
    """Name -> tensor, in the graph's order: the signature's names, or else the tensors' own."""
    named: dict[str, int] = {}
    for index in ends:
        if not 0 <= index < len(tensors):
            raise IndexError(index)
        # A signature may give one tensor twice, or leave one out.
        name = names.get(index) or tensors[index].name or f"tensor_{index}"
        while name in named:
            name += "_"
        named[name] = index
    return named
