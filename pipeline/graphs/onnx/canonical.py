"""One spelling for one ONNX graph: order and names that depend on nothing but the graph.

Converters number their nodes in the order in which Python's sets and dicts
happen to give them. Here nodes are put in the order of a depth-first walk from
the outputs, and everything private is named after that order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.tensors.arrays import np
from pipeline.tensors.signature import Signature

GRAPH_NAME = "model"

#: A body's constant of so many bytes moves to the main graph: bodies hold no external data (ONNX
#: Runtime refuses hard-linked files there), and a loop would decode its weights in every round.
HOISTED_BYTES = 256


def canonicalize(
    model: Any,
    signature: Signature,
    names: dict[str, str] | None = None,
    own: Mapping[str, str] | None = None,
) -> Any:
    """A new ``onnx.ModelProto`` that computes what ``model`` does.

    Inputs and outputs stand in the signature's order under its names. Nodes that no output
    needs, byte-identical initializers, doc strings, metadata, intermediate shapes and opsets
    of unused domains are gone. ``model`` is used up.

    Args:
        model: ``onnx.ModelProto`` whose graph inputs and outputs bear the signature's names.
        names: where to put old name -> new name of every value of the main graph.
        own: the signature's names -> those in ``model``, each once, where they are others.
    """
    from onnx import GraphProto, ModelProto

    public = {spec.name for side in (signature.inputs, signature.outputs) for spec in side}
    before = dict(own) if own else {name: name for name in public}
    scope = {before[spec.name]: spec.name for spec in signature.inputs}
    graph = GraphProto(name=GRAPH_NAME)
    outputs = {before[spec.name]: spec.name for spec in signature.outputs}
    writer = _Writer(model.graph, graph, _Names(public), scope, keep=outputs)
    writer.write([*outputs])
    if names is not None:
        names.update(writer.scope)
    _declare(graph, None if own else model.graph, signature)
    used = {node.domain for node in all_nodes(graph)}
    result = ModelProto(ir_version=model.ir_version, graph=graph)
    for opset in sorted(model.opset_import, key=lambda item: item.domain):
        if opset.domain in used or not opset.domain:
            result.opset_import.add(domain=opset.domain, version=opset.version)
    result.functions.extend(model.functions)
    return result


def graphs(graph: Any) -> Iterator[Any]:
    """``graph`` and, in order, all graphs in its nodes' attributes."""
    yield graph
    for node in graph.node:
        for _, body in bodies(node):
            yield from graphs(body)


def all_nodes(graph: Any) -> Iterator[Any]:
    """The nodes of ``graph`` and of all graphs inside it."""
    return (node for inner in graphs(graph) for node in inner.node)


def bodies(node: Any) -> list[tuple[str, Any]]:
    """The graphs among a node's attributes (of If, Loop, Scan), by attribute name."""
    graphs_of = [(item.name, item.g) for item in node.attribute if item.HasField("g")]
    graphs_of += [
        (f"{item.name}.{i}", graph)
        for item in node.attribute
        for i, graph in enumerate(item.graphs)
    ]
    return sorted(graphs_of, key=lambda pair: pair[0])


def outer_values(graph: Any) -> list[str]:
    """What a body graph reads from the graphs around it, in its own walk's order."""
    here = {value.name for value in graph.input}
    nodes, reached = walk(graph, [value.name for value in graph.output])
    here.update(name for node in nodes for name in node.output)
    here.update(tensor.name for tensor in graph.initializer)
    return [name for name in reached if name not in here]


def walk(graph: Any, outputs: Iterable[str]) -> tuple[list[Any], list[str]]:
    """Depth first from ``outputs`` through inputs in their order.

    Returns:
        The nodes that are needed, each after those it reads, and all value
        names in the order in which they were first met.
    """
    producer = {name: node for node in graph.node for name in node.output if name}
    ordered: list[Any] = []
    met: dict[str, None] = {}
    entered: set[int] = set()
    # A stack instead of recursion: graphs are deeper than Python's limit.
    stack: list[tuple[str, bool]] = [(name, False) for name in reversed(list(outputs))]
    while stack:
        name, done = stack.pop()
        met.setdefault(name)
        node = producer.get(name)
        if node is None or (not done and id(node) in entered):
            continue
        if done:
            ordered.append(node)
            continue
        entered.add(id(node))
        stack.append((name, True))
        stack.extend((source, False) for source in reversed(sources(node)))
    return ordered, list(met)


def sources(node: Any) -> list[str]:
    """What a node reads, by itself and from within its bodies."""
    read = [name for name in node.input if name]
    for _, body in bodies(node):
        read += outer_values(body)
    return read


class _Names:
    """Hands out names that no two values share, in any graph: ONNX forbids shadowing."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = set(taken)
        self._count: Counter[str] = Counter()

    def node(self, op_type: str) -> str:
        while True:
            name = f"{op_type}_{self._count[op_type]}"
            self._count[op_type] += 1
            if name not in self._taken:
                return self.free(name)

    def free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


class _Writer:
    """Writes one graph (the main one or a body) in canonical form."""

    def __init__(
        self,
        source: Any,
        target: Any,
        names: _Names,
        scope: dict[str, str],
        *,
        keep: Mapping[str, str] | None = None,
        main: _Writer | None = None,
    ) -> None:
        self._source, self._target, self._names = source, target, names
        self._kept, self._main = dict(keep or {}), main or self
        self._outputs: set[str] = set()
        self.scope = scope | self._kept
        """Old name -> new name of everything visible here."""
        self._constants = {tensor.name: tensor for tensor in source.initializer}
        self._contents: dict[bytes, str] = {}

    def write(self, outputs: list[str]) -> list[str]:
        """Write what the outputs need, and return their new names."""
        self._outputs = set(outputs)
        self._lift_constants(outputs)
        nodes, _ = walk(self._source, outputs)
        for node in nodes:
            self._write_node(node)
        return [self._use(name, "output") for name in outputs]

    def _lift_constants(self, outputs: list[str]) -> None:
        nodes = [node for node in self._source.node if node.op_type == "Constant"]
        for node in nodes:
            tensor = constant_tensor(node)
            if tensor is not None and node.output[0] not in outputs:
                tensor.name = node.output[0]
                self._constants[tensor.name] = tensor
        left = [node for node in self._source.node if node.output[0] not in self._constants]
        del self._source.node[:]
        self._source.node.extend(left)

    def _write_node(self, node: Any) -> None:
        name = self._names.node(node.op_type)
        result = self._target.node.add(op_type=node.op_type, domain=node.domain, name=name)
        inputs = [self._use(source, f"{name}.in{i}") for i, source in enumerate(node.input)]
        for outer in sources(node)[len([item for item in node.input if item]) :]:
            self._use(outer, f"{name}.outer")
        for i, output in enumerate(node.output):
            if output and output not in self._kept:
                self.scope[output] = name if i == 0 else self._names.free(f"{name}.{i}")
        result.input.extend(inputs)
        result.output.extend(self.scope[output] if output else "" for output in node.output)
        for attribute in sorted(node.attribute, key=lambda item: item.name):
            self._write_attribute(result, attribute)

    def _write_attribute(self, result: Any, attribute: Any) -> None:
        copy = result.attribute.add()
        copy.CopyFrom(attribute)
        copy.doc_string = ""
        if attribute.HasField("t"):
            copy.t.name = copy.t.doc_string = ""
        pairs = [(attribute.g, copy.g)] if attribute.HasField("g") else []
        pairs += list(zip(attribute.graphs, copy.graphs, strict=True))
        for old, new in pairs:
            prefix = f"{result.name}.{attribute.name}"
            self._write_body(old, new, prefix, loop=result.op_type == "Loop")

    def _write_body(self, old: Any, new: Any, prefix: str, *, loop: bool) -> None:
        from onnx import GraphProto

        new.CopyFrom(GraphProto(name=prefix))
        scope = dict(self.scope)
        for i, value in enumerate(old.input):
            scope[value.name] = self._names.free(f"{prefix}.arg{i}")
            new.input.add(name=scope[value.name], type=_plain_type(value.type))
        if loop:
            _declare_scalars(new.input[:2])
        writer = _Writer(old, new, self._names, scope, main=self._main)
        outputs = writer.write([value.name for value in old.output])
        for name, value in zip(outputs, old.output, strict=True):
            new.output.add(name=name, type=_plain_type(value.type))

    def _use(self, name: str, role: str) -> str:
        """The new name of a value; a constant is written on its first use."""
        if not name or (name in self.scope and name not in self._constants):
            return self.scope.get(name, "")
        tensor = self._constants.pop(name, None)
        if tensor is None:
            raise KeyError(f"{name} is read but nothing makes it")
        tensor = plain_tensor(tensor)
        # What a body gives must be made in it.
        large = len(tensor.raw_data) >= HOISTED_BYTES and name not in self._outputs
        holder = self._main if large else self
        self.scope[name] = holder._hold(tensor, role, self._kept.get(name))
        return self.scope[name]

    def _hold(self, tensor: Any, role: str, public: str | None) -> str:
        """The name of an initializer with this content: ``public``, one that is there, or new."""
        content = hashlib.sha256(tensor.SerializeToString(deterministic=True)).digest()
        if public is None and content in self._contents:
            return self._contents[content]
        tensor.name = public or self._names.free(role)
        if public is None:
            self._contents[content] = tensor.name
        self._target.initializer.append(tensor)
        return str(tensor.name)


def constant_tensor(node: Any) -> Any | None:
    """The dense tensor of a Constant node; ``None`` for sparse and other kinds."""
    from onnx import TensorProto, helper

    attribute = node.attribute[0]
    if attribute.name == "value":
        tensor = TensorProto()
        tensor.CopyFrom(attribute.t)
        return tensor
    kinds = {
        "value_int": TensorProto.INT64,
        "value_ints": TensorProto.INT64,
        "value_float": TensorProto.FLOAT,
        "value_floats": TensorProto.FLOAT,
    }
    if attribute.name not in kinds:
        return None
    value = helper.get_attribute_value(attribute)
    dims = [len(value)] if attribute.name.endswith("s") else []
    return helper.make_tensor("", kinds[attribute.name], dims, value if dims else [value])


def plain_tensor(tensor: Any) -> Any:
    """The tensor without a name, its numbers as raw little-endian bytes, or in their file."""
    from onnx import TensorProto, numpy_helper

    if tensor.data_location:
        place = {"data_location": tensor.data_location, "external_data": tensor.external_data}
        return TensorProto(data_type=tensor.data_type, dims=tensor.dims, **place)
    if tensor.data_type == TensorProto.STRING:
        return TensorProto(
            data_type=tensor.data_type, dims=tensor.dims, string_data=tensor.string_data
        )
    raw = tensor.raw_data
    if not tensor.HasField("raw_data"):
        raw = numpy_helper.from_array(numpy_helper.to_array(tensor)).raw_data
    return TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=raw)


def _plain_type(kind: Any) -> Any:
    """A body value's type without its generated dimension names."""
    from onnx import TypeProto

    result = TypeProto()
    result.CopyFrom(kind)
    if result.HasField("tensor_type"):
        for dim in result.tensor_type.shape.dim:
            dim.ClearField("dim_param")
    return result


def _declare_scalars(values: Iterable[Any]) -> None:
    """Give a Loop body's number and condition their shape, as ONNX Runtime needs it.

    tf2onnx leaves it out, and within another body ONNX Runtime does not infer it.
    """
    for value in values:
        value.type.tensor_type.shape.SetInParent()


def _declare(graph: Any, source: Any, signature: Signature) -> None:
    """Write the inputs' and outputs' types and shapes, free sizes by name."""
    from onnx import helper

    values = [*source.input, *source.output] if source is not None else []
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    for side, specs in ((graph.input, signature.inputs), (graph.output, signature.outputs)):
        for spec in specs:
            kind = types.get(spec.name) or _element_type(spec.dtype)
            # Sizes of one name must be equal: certain of the inputs' batch alone. A runtime
            # may share memory between them, and an output's free size may be another one.
            free = [f"{spec.name}_{axis}" for axis in range(len(spec.shape))]
            if side is graph.input:
                free[:1] = ["batch"][: len(free)]
            pairs = zip(free, spec.shape, strict=True)
            shape = [name if size is None else size for name, size in pairs]
            side.append(helper.make_tensor_value_info(spec.name, kind, shape))


def _element_type(dtype: str) -> int:
    from onnx import TensorProto, helper

    if dtype in ("str", "string", "object"):
        return int(TensorProto.STRING)
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
