"""Finds the operators that a format lacks, before any conversion work starts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.export.onnx import Opset
from pipeline.graphs.tensorflow.canonical_graph import called_by
from pipeline.tensors.signature import Signature

#: Operators that both converters take out, or that compute nothing.
VANISHING = frozenset(
    {
        "Assert",
        "CheckNumerics",
        "Const",
        "Identity",
        "IdentityN",
        "NoOp",
        "Placeholder",
        "Print",
        "PrintV2",
        "StopGradient",
    }
)

#: What tf2onnx rewrites by pattern before it looks for handlers, so that no handler is registered.
REWRITTEN_FOR_ONNX = frozenset(
    {
        "Enter",
        "Exit",
        "LoopCond",
        "Merge",
        "NextIteration",
        "Switch",
        "TensorArrayV3",
        "TensorArrayReadV3",
        "TensorArrayWriteV3",
        "TensorArrayGatherV3",
        "TensorArrayScatterV3",
        "TensorArraySizeV3",
        "QuantizeAndDequantizeV2",
        "QuantizeAndDequantizeV3",
        "QuantizeAndDequantizeV4",
        "_FusedConv2D",
        "_FusedMatMul",
        "PreventGradient",
        "Snapshot",
    }
)

#: Called functions are written out by TF.js' converter; what they hold is checked by itself.
INLINED_FOR_TFJS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))

#: What ``tfjs_graph.mend`` writes in others where sizes are known.
REWRITTEN_FOR_TFJS = frozenset(("Conv3DBackpropInputV2", "Roll"))

#: Advice by how an operator's name begins; the first that fits is given.
ADVICE = (
    (
        ("String", "Regex", "StaticRegex", "DecodeBase64", "EncodeBase64", "Unicode", "AsString"),
        "turn strings into numbers before the model",
    ),
    (
        ("HashTable", "MutableHashTable", "LookupTable", "InitializeTable"),
        "look words up before the model, and give it their numbers",
    ),
    (("Decode", "ReadFile", "Parse"), "decode and parse files before the model"),
    (
        ("NonMaxSuppression", "CombinedNonMaxSuppression"),
        "return boxes and scores, and suppress overlaps behind the model; or use "
        "tf.image.non_max_suppression_padded",
    ),
    (("Einsum", "BatchMatMulV3"), "write it as tf.matmul with tf.transpose and tf.reshape"),
    (("Adjust", "ExtractImagePatches", "ScaleAndTranslate"), "preprocess images before the model"),
    (("ResizeBicubic", "ResizeArea"), "resize bilinearly, or before the model"),
    (("Random", "Stateless", "Multinomial", "TruncatedNormal"), "pass the noise in as an input"),
    (("Cudnn", "BlockLSTM", "LSTMBlock", "GRUBlock"), "use a Keras RNN layer with unroll=True"),
    (("SegmentSum", "UnsortedSegment", "SparseSegment", "Sparse"), "use dense tensors"),
    (("PartitionedCall", "StatefulPartitionedCall"), "export without noinline functions"),
    (("PyFunc", "EagerPyFunc", "NumpyFunction"), "write the Python code in TensorFlow operators"),
    (
        ("FFT", "IFFT", "RFFT", "IRFFT", "Complex", "Real", "Imag", "Angle", "Conj"),
        "give signals and transforms fixed lengths, or compute the spectrum outside of the model",
    ),
)


class CheckOptions(StrictOptions):
    """Which formats the model is to be exported to."""

    formats: list[str]
    """The formats' names, as under ``export`` in the config."""
    opset: Opset = 17
    """The version of ONNX's operators, where onnx is among them."""


@dataclass(frozen=True)
class Place:
    """One operator of the graph."""

    operator: str
    where: str
    """Its node's name; in a function, ``function/node``."""


@step(version=1, lane="tensorflow", tools=("tensorflow", "tensorflowjs", "tf2onnx"))
def check(frozen: Frozen, options: CheckOptions, work: Path) -> None:
    """FROZEN -> ``operators.json``: how often each operator is used.

    Raises:
        PipelineError: formats lack operators; it names all of them and where they stand.
    """
    graph, signature = frozen.outline(), frozen.signature
    places = list(computed(graph, [spec.name for spec in signature.outputs]))
    lacking = {
        name: _grouped(place for place in places if place.operator not in supported)
        for name, supported in _supported(options).items()
    }
    if any(lacking.values()):
        lacked = {name: operators for name, operators in lacking.items() if operators}
        raise _error(lacked, _cut(graph, signature, places, lacked))
    counts = {operator: len(where) for operator, where in sorted(_grouped(places).items())}
    (work / "operators.json").write_text(json.dumps(counts, indent=1))


def _supported(options: CheckOptions) -> dict[str, frozenset[str]]:
    tables: dict[str, Callable[[], frozenset[str]]] = {
        "tfjs-graph": tfjs_operators,
        "onnx": lambda: onnx_operators(options.opset),
    }
    # TF.js layers models are made of Keras layers, not of operators.
    return {name: tables[name]() for name in options.formats if name in tables}


def tfjs_operators() -> frozenset[str]:
    """TensorFlow's operators that TF.js runs, by the lists in the tensorflowjs package."""
    # Found without importing the package, which would take over a second.
    spec = find_spec("tensorflowjs")
    if spec is None or not spec.submodule_search_locations:
        raise PipelineError("tensorflowjs is not installed", todo="run pipeline doctor")
    lists = Path(spec.submodule_search_locations[0], "op_list").glob("*.json")
    named = (entry["tfOpName"] for path in lists for entry in json.loads(path.read_text()))
    return frozenset(named) | VANISHING | INLINED_FOR_TFJS | REWRITTEN_FOR_TFJS


def onnx_operators(opset: int) -> frozenset[str]:
    """TensorFlow's operators that tf2onnx converts to this opset."""
    from tf2onnx import tfonnx  # noqa: F401  (importing it registers the handlers)
    from tf2onnx.handler import tf_op

    from pipeline.export.onnx.tensorflow import NEWEST_TF2ONNX_OPSET

    handlers = tf_op.create_mapping(min(opset, NEWEST_TF2ONNX_OPSET), [])
    return frozenset(handlers) | VANISHING | REWRITTEN_FOR_ONNX


def computed(graph: Any, outputs: Iterable[str]) -> Iterator[Place]:
    """The operators that run for each input: needed by an output, and no constants.

    Functions of control flow are searched too, each once.
    """
    functions = {function.signature.name: function for function in graph.library.function}
    waiting: list[str] = []
    for node in _needed(graph.node, outputs):
        waiting += [function.name for function in called_by(node)]
        yield Place(node.op, node.name)
    entered: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in entered or name not in functions:
            continue
        entered.add(name)
        function = functions[name]
        arguments = {argument.name for argument in function.signature.input_arg}
        for node in _needed(function.node_def, function.ret.values(), arguments):
            waiting += [function.name for function in called_by(node)]
            yield Place(node.op, f"{name}/{node.name}")


def _needed(nodes: Any, outputs: Iterable[str], arguments: Iterable[str] = ()) -> list[Any]:
    """Nodes on a path from something that varies to an output, in the graph's order."""
    by_name = {node.name: node for node in nodes}
    varying = set(arguments)
    ordered: list[Any] = []
    # Control inputs are not followed: both formats have data alone.
    stack = [(_source(name), False) for name in outputs]
    entered: set[str] = set()
    while stack:
        name, done = stack.pop()
        node = by_name.get(name)
        if node is None or (not done and name in entered):
            continue
        sources = [_source(item) for item in node.input if not item.startswith("^")]
        if not done:
            entered.add(name)
            stack.append((name, True))
            stack.extend((source, False) for source in sources)
        elif _varies_by_itself(node) or varying.intersection(sources) or _in_loop(node):
            varying.add(name)
            ordered.append(node)
    position = {node.name: i for i, node in enumerate(nodes)}
    return sorted(ordered, key=lambda node: position[node.name])


def _source(tensor: str) -> str:
    return tensor.lstrip("^").split(":")[0]


def _varies_by_itself(node: Any) -> bool:
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(node.op)
    # An operator that TensorFlow does not know here is not folded by anyone either.
    return node.op == "Placeholder" or definition is None or definition.is_stateful


def _in_loop(node: Any) -> bool:
    """TensorFlow 1 loops are cycles: their nodes come before what they read."""
    return node.op in ("Enter", "Merge", "Switch", "NextIteration", "Exit", "LoopCond")


def _grouped(places: Iterable[Place]) -> dict[str, list[str]]:
    by_operator: dict[str, list[str]] = defaultdict(list)
    for place in places:
        by_operator[place.operator].append(place.where)
    return by_operator


def _cut(
    graph: Any, signature: Signature, places: list[Place], lacking: dict[str, dict[str, list[str]]]
) -> list[str]:
    """What ``source.outputs`` may name to cut the model in front of all that is lacking.

    The tensors that those operators read, and the outputs that do not depend on them; nothing
    where one reads what no operator has computed. No output is made of strings.
    """
    wrong = {
        where for operators in lacking.values() for those in operators.values() for where in those
    }
    varying = {place.where for place in places} - {spec.name for spec in signature.inputs}
    strings = {node.name for node in graph.node if _gives_strings(node)} & varying
    for node in reversed(graph.node):
        if node.name in wrong:
            wrong |= strings.intersection(map(_source, node.input))
    spoiled: set[str] = set()
    tensors: dict[str, None] = {}
    for node in graph.node:
        behind = not spoiled.isdisjoint(map(_source, node.input))
        if node.name in wrong and not behind:
            tensors |= dict.fromkeys(s for s in node.input if _source(s) in varying)
        if node.name in wrong or behind:
            spoiled.add(node.name)
    whole = [spec.name for spec in signature.outputs if spec.name not in spoiled]
    return [*whole, *tensors] if tensors and wrong <= spoiled else []


def _gives_strings(node: Any) -> bool:
    from tensorflow.core.framework.types_pb2 import DT_STRING
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(node.op)
    outputs = definition.output_arg if definition else ()
    return any(
        DT_STRING in (out.type, node.attr[out.type_attr].type if out.type_attr else None)
        for out in outputs
    )


def _error(lacking: dict[str, dict[str, list[str]]], cut: list[str]) -> PipelineError:
    lines = [
        f"{name} has no {operator}: at {_few(places)}{_advice(operator)}"
        for name, operators in lacking.items()
        for operator, places in sorted(operators.items())
    ]
    number = len({operator for operators in lacking.values() for operator in operators})
    head = f"{number} operator{'s' if number > 1 else ''} of the model cannot be exported"
    formats = " or ".join(lacking)
    return PipelineError(
        "\n  ".join([f"{head}:", *lines]),
        todo=_cut_words(cut)
        + f"change the model at these places, or leave {formats} out of export",
    )


def _cut_words(cut: list[str]) -> str:
    if not cut:
        return ""
    names = json.dumps(cut)
    return f"cut it in front of them with source.outputs: {names}, and do the rest behind it; or "


def _few(places: list[str]) -> str:
    shown = ", ".join(places[:3])
    return f"{shown} and {len(places) - 3} more" if len(places) > 3 else shown


def _advice(operator: str) -> str:
    for beginnings, advice in ADVICE:
        if operator.startswith(beginnings):
            return f" ({advice})"
    return ""
