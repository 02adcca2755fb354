"""A ``LoadedModel`` of a graph that holds all it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.tensorflow.canonical_graph import (
    LOWERED,
    RawGraph,
    canonical,
    drop_control_edges,
    references,
)
from pipeline.graphs.tensorflow.splicing import imported, tensors_of
from pipeline.sources.contract import LoadedModel, trace
from pipeline.sources.keras.model import public_names, specs
from pipeline.tensors.pruned import prune, wrap
from pipeline.tensors.signature import Signature

_NUMBERS = count()


@contextmanager
def telling_of_graphs(where: str, todo: str) -> Iterator[None]:
    """What a crafted or an odd file makes TensorFlow raise is a SourceError."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(
            f"TensorFlow does not take this graph ({reason_of(error)})", where=where, todo=todo
        ) from error


def graph_model(
    graph_def: Any, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> LoadedModel:
    """A model from the inputs that its outputs need.

    Args:
        graph_def: changed here.
        inputs: name -> placeholder, in the order of the signature.
        outputs: name -> tensor.

    Raises:
        KeyError: there is no such tensor.
        SourceError: a tensor's number of dimensions is not known.
    """
    if not any(node.op in LOWERED for node in graph_def.node):
        # Nodes of a function, written out, wait for all inputs of the call.
        drop_control_edges(graph_def.node)
    tensors = tensors_of(imported(graph_def))
    needed = _ancestors(graph_def, outputs.values())
    inputs = {name: node for name, node in inputs.items() if node in needed}
    taken = public_names(inputs)
    names = public_names(outputs, taken)
    signature = Signature(
        specs(taken, [tensors[node] for node in inputs.values()], inputs),
        specs(names, [tensors[tensor] for tensor in outputs.values()], outputs),
    )
    ends = [_end(graph_def, i, tensors[name]) for i, name in enumerate(outputs.values())]
    raw = RawGraph(graph_def, [*inputs.values()], ends)
    return _callable(canonical(raw, signature), signature)


def _ancestors(graph_def: Any, tensors: Iterable[str]) -> set[str]:
    """Nodes that these tensors are computed of."""
    nodes = {node.name: node for node in graph_def.node}
    needed: set[str] = set()
    waiting = [tensor.split(":")[0] for tensor in tensors]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [source.lstrip("^").split(":")[0] for source in nodes[name].input]
    return needed


def _end(graph_def: Any, index: int, tensor: Any) -> str:
    """A node behind a tensor, for no other use."""
    # A space can be in no TensorFlow name, so that this one is free.
    node = graph_def.node.add(name=f"end {index}", op="Identity", input=[tensor.name])
    node.attr["T"].type = tensor.dtype.as_datatype_enum
    return f"{node.name}:0"


def _callable(graph_def: Any, signature: Signature) -> LoadedModel:
    """Of a graph whose nodes have the signature's names."""
    from tensorflow.python.eager import context

    _name_apart(graph_def)
    for function in graph_def.library.function:
        context.context().add_function_def(function)
    # The names of a model need not be valid in Python; these are.
    arguments = {spec.name: f"x{index}" for index, spec in enumerate(signature.inputs)}
    lowered = any(node.op in LOWERED for node in graph_def.node)
    run = (_part if lowered else _imported)(graph_def, signature, arguments)
    function = trace(run, signature.inputs, arguments)
    return LoadedModel(
        function, signature, arguments, {spec.name: spec.name for spec in signature.outputs}
    )


def _imported(graph_def: Any, signature: Signature, arguments: Mapping[str, str]) -> Any:
    """Its nodes in the function that calls this, with the inputs in place of placeholders."""
    import tensorflow as tf

    for node in [node for node in graph_def.node if node.name in arguments]:
        graph_def.node.remove(node)

    def run(**tensors: Any) -> dict[str, Any]:
        results = tf.graph_util.import_graph_def(
            graph_def,
            {f"{name}:0": tensors[argument] for name, argument in arguments.items()},
            [f"{spec.name}:0" for spec in signature.outputs],
            name="",
        )
        return {spec.name: x for spec, x in zip(signature.outputs, results, strict=True)}

    return run


def _part(graph_def: Any, signature: Signature, arguments: Mapping[str, str]) -> Any:
    """It as a function of its own: one that is traced lets its end wait for what has a state, which
    nothing outside of a loop can do for a TensorArray in it."""
    outputs = {spec.name: f"{spec.name}:0" for spec in signature.outputs}
    part = prune(wrap(graph_def), [f"{name}:0" for name in arguments], outputs)

    def run(**tensors: Any) -> Any:
        return part(*(tensors[argument] for argument in arguments.values()))

    return run


def _name_apart(graph_def: Any) -> None:
    """Number functions: TensorFlow takes no two of one name, and another model may have them."""
    number = next(_NUMBERS)
    names = {f.signature.name: f"{f.signature.name}_{number}" for f in graph_def.library.function}
    for function in graph_def.library.function:
        function.signature.name = names[function.signature.name]
    for reference in references(graph_def):
        reference.name = names.get(reference.name, reference.name)
