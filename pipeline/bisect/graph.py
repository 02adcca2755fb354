"""An artifact's graph, whatever its format, and what of it makes each known tensor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from pipeline.backends.targets import Target
from pipeline.base.errors import ConfigError

#: Artifact format -> the module here that reads and cuts it.
_FORMATS = {"onnx": "cut_onnx", "tfjs-graph": "cut_tfjs"}


@dataclass(frozen=True)
class Op:
    """One node."""

    name: str
    op: str
    inputs: tuple[str, ...]
    """The tensors that it reads, constants too."""
    outputs: tuple[str, ...]
    weight: int = 0
    """Elements of the largest constant that it reads."""


@dataclass(frozen=True)
class ArtifactGraph:
    """Nodes in an order in which they can run; those that make constants are not in it."""

    ops: tuple[Op, ...]
    inputs: Mapping[str, str]
    """Tensor -> public name."""
    outputs: Mapping[str, str]
    constants: frozenset[str]

    @cached_property
    def producer(self) -> dict[str, Op]:
        """Tensor -> the node that makes it."""
        return {tensor: op for op in self.ops for tensor in op.outputs}


@dataclass(frozen=True)
class NodeRegion:
    """What makes one known tensor out of known ones: one node, or a few that were one."""

    tensor: str
    ops: tuple[Op, ...]
    """In the graph's order; the last one makes the tensor."""
    inputs: tuple[str, ...]
    """Known tensors and inputs of the graph."""

    @property
    def main(self) -> Op:
        """The node to name: the one with the largest weights, else the one that ends it."""
        return max(reversed(self.ops), key=lambda op: op.weight)


@dataclass(frozen=True)
class FedTensor:
    """A tensor that is fed instead of computed."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """The part of an artifact that makes ``tensors``, where nodes read ``given`` tensors as fed."""

    tensors: tuple[str, ...]
    given: Mapping[str, FedTensor]

    def returned(self, tensor: str) -> str:
        """The public name under which a computed tensor comes back."""
        return f"{tensor}/returned" if tensor in self.given else tensor


class GraphFormat(Protocol):
    """A module that knows one artifact format."""

    read: Callable[[Path], ArtifactGraph]
    """The graph of an ARTIFACT folder."""
    cut: Callable[[Path, Cut, Path], None]
    """Write a part of an ARTIFACT folder as an ARTIFACT folder of its own."""
    unpack: Callable[[Path, Path], None]
    """Write an ARTIFACT folder's model under plain file names, for a reproduction."""
    write_script: Callable[[Path, Target], str]
    """Write what runs a reproduction made on a target, and return the command for it."""


def format_of(name: str) -> GraphFormat:
    """The module for an artifact format.

    Raises:
        ConfigError: there is none.
    """
    if name not in _FORMATS:
        raise ConfigError(
            f"bisect is not for {name}: layers have no counterparts among the source's nodes",
            todo="bisect the same variant in tfjs-graph, which is made from the same weights",
        )
    return cast("GraphFormat", import_module(f"pipeline.bisect.{_FORMATS[name]}"))


def flowing(ops: Sequence[Op], inputs: Collection[str]) -> tuple[tuple[Op, ...], frozenset[str]]:
    """The nodes that depend on an input, and the tensors that do not."""
    flows = set(inputs)
    flowing_ops = []
    for op in ops:
        if flows.intersection(op.inputs):
            flows.update(op.outputs)
            flowing_ops.append(op)
    every = {tensor for op in ops for tensor in (*op.inputs, *op.outputs)}
    return tuple(flowing_ops), frozenset(every - flows)


def descendants(graph: ArtifactGraph, tensors: Collection[str]) -> set[str]:
    """What is computed from any of ``tensors``."""
    reached: set[str] = set()
    for op in graph.ops:
        if any(source in reached or source in tensors for source in op.inputs):
            reached.update(op.outputs)
    return reached


def regions(
    graph: ArtifactGraph, known: Collection[str], others: Collection[str] = ()
) -> list[NodeRegion]:
    """One region for each tensor of ``known`` and ``others`` that a node makes, in order.

    They reach back to tensors of ``known``.
    """
    stops = set(known) | set(graph.inputs)
    compared = set(known) | set(others)
    tensors = [tensor for op in graph.ops for tensor in op.outputs if tensor in compared]
    return [_region(graph, tensor, stops) for tensor in tensors]


def _region(graph: ArtifactGraph, tensor: str, stops: set[str]) -> NodeRegion:
    ops: dict[str, Op] = {}
    inputs: dict[str, None] = {}
    pending = [tensor]
    while pending:
        op = graph.producer[pending.pop()]
        ops[op.name] = op
        for source in op.inputs:
            if source in stops:
                inputs[source] = None
            elif source not in graph.constants and graph.producer[source].name not in ops:
                pending.append(source)
    ordered = tuple(op for op in graph.ops if op.name in ops)
    return NodeRegion(tensor, ordered, tuple(inputs))
