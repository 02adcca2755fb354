"""Complex numbers as pairs of real ones, from where they are made to where they are real again.

TF.js' wasm has no kernel of a complex number, and ONNX no such numbers at all. So each complex
tensor becomes two, its real and its imaginary part. That is done for all that hangs together of
complex tensors, if ``spectra`` has a rule for each of its nodes and the inputs decide no length of
a transform; else it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.graphs.tensorflow.spectra import RULES
from pipeline.graphs.tensorflow.splicing import Build, insert, replace, tensors_of

#: Operators that do to each part what they do to the whole, whatever else they read.
BY_PARTS = frozenset(
    {
        *("BroadcastTo", "ConcatV2", "ExpandDims", "Fill", "GatherV2", "GatherNd", "Identity"),
        *("Mean", "MirrorPad", "Pack", "Pad", "Reshape", "ReverseV2", "Select", "SelectV2"),
        *("Slice", "Split", "SplitV", "Squeeze", "StridedSlice", "Sum", "Tile", "Transpose"),
        *("Unpack", "ZerosLike"),
    }
)


def write_pairs(graph_def: Any, graph: Any) -> bool:
    """Write complex numbers as pairs where all of them can be, in place.

    Nodes that nothing needs any more stay.

    Args:
        graph: the same as a ``tf.Graph``.

    Returns:
        Whether there were any.
    """
    nodes, tensors = {node.name: node for node in graph_def.node}, tensors_of(graph)
    changed = False
    for group in _groups(graph):
        builds = [_build(operation, nodes[operation.name], tensors) for operation in group]
        if None not in builds:
            writer, changed = _Writer(graph_def, nodes), True
            for operation, build in zip(group, builds, strict=True):
                writer.write(operation, build)
    return changed


def _complex(operation: Any) -> list[Any]:
    """The complex tensors that an operation reads or makes."""
    return [t for t in (*operation.inputs, *operation.outputs) if t.dtype.is_complex]


def _groups(graph: Any) -> Iterator[list[Any]]:
    """Operations that complex tensors connect, each group in the order in which they run."""
    order = {operation: i for i, operation in enumerate(graph.get_operations())}
    left = [operation for operation in order if _complex(operation)]
    seen: set[Any] = set()
    for start in left:
        group, waiting = [], [start]
        while waiting:
            operation = waiting.pop()
            if operation not in seen:
                seen.add(operation)
                group.append(operation)
                for tensor in _complex(operation):
                    waiting += [tensor.op, *tensor.consumers()]
        if group:
            yield sorted(group, key=order.__getitem__)


def _build(operation: Any, node: Any, tensors: Mapping[str, Any]) -> Build | str | None:
    """What makes an operation of pairs; its name, where it does the same to both parts."""
    complex_outputs = [tensor for tensor in operation.outputs if tensor.dtype.is_complex]
    if complex_outputs and not any(tensor.consumers() for tensor in complex_outputs):
        return None  # A result of the graph, which has to be complex.
    if operation.type in BY_PARTS:
        return str(operation.type)
    rule = RULES.get(operation.type)
    return rule(node, tensors) if rule else None


class _Writer:
    """Writes the nodes of one group, each after those that it reads."""

    def __init__(self, graph_def: Any, nodes: Mapping[str, Any]) -> None:
        self._graph_def, self._nodes = graph_def, nodes
        self._parts: dict[Any, tuple[str, str]] = {}
        """Complex tensor -> the names of its real and its imaginary part."""

    def write(self, operation: Any, build: Build | str | None) -> None:
        if not callable(build):
            self._by_parts(operation)
            return
        names, like, pairs = self._inputs(operation)
        parts = insert(
            self._graph_def, f"{operation.name}/pair", _of_pairs(build, pairs), like, names
        )
        if len(parts) == 2:
            (real, _), (imaginary, _) = parts
            self._parts[operation.outputs[0].ref()] = (real, imaginary)
        else:
            replace(self._nodes[operation.name], *parts[0])

    def _inputs(self, operation: Any) -> tuple[list[str], list[Any], list[bool]]:
        """Names and kinds of the real tensors that are an operation's inputs; which are pairs."""
        import tensorflow as tf

        names: list[str] = []
        like = []
        for tensor in operation.inputs:
            parts = self._parts.get(tensor.ref(), (_name(tensor),))
            names += parts
            like += [tf.TensorSpec(tensor.shape, tensor.dtype.real_dtype)] * len(parts)
        return names, like, [tensor.dtype.is_complex for tensor in operation.inputs]

    def _by_parts(self, operation: Any) -> None:
        """Two copies of a node, which read one part each."""
        import tensorflow as tf

        node = self._nodes[operation.name]
        for index, part in enumerate(("real", "imaginary")):
            copy = self._graph_def.node.add()
            copy.CopyFrom(node)
            copy.name = f"{node.name}/{part}"
            copy.input[:] = [
                self._parts[tensor.ref()][index] if tensor.dtype.is_complex else _name(tensor)
                for tensor in operation.inputs
            ]
            copy.attr.pop("_output_shapes", None)
            for value in copy.attr.values():
                if value.type and tf.as_dtype(value.type).is_complex:
                    value.type = tf.as_dtype(value.type).real_dtype.as_datatype_enum
        for port, tensor in enumerate(operation.outputs):
            number = f":{port}" if port else ""
            parts = (f"{node.name}/real{number}", f"{node.name}/imaginary{number}")
            self._parts[tensor.ref()] = parts


def _name(tensor: Any) -> str:
    """As nodes read it."""
    name: str = tensor.name.removesuffix(":0")
    return name


def _of_pairs(build: Build, pairs: Sequence[bool]) -> Build:
    """A function of as many real tensors as there are, in the place of one of pairs."""

    def flat(*tensors: Any) -> Any:
        left = iter(tensors)
        return build(*((next(left), next(left)) if pair else next(left) for pair in pairs))

    return flat
