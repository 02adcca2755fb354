"""A graph of steps: what runs, on what, after what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.base.options import StrictOptions
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import Lane, StepFunction, find


@dataclass(frozen=True)
class Node:
    """One step of a plan."""

    id: str
    function: StepFunction
    options: StrictOptions
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input name -> the node whose result it is."""
    files: Mapping[str, Path | RemoteFile] = field(default_factory=dict)
    """Input name -> what comes from outside: from this machine, or from the network."""
    reads: tuple[str, ...] = ()
    """Names of the files that it opens of its inputs; all of them where this is empty.

    Others decide its key as well, but are not read again to see whether they are whole.
    """
    after: tuple[str, ...] = ()
    """Nodes that must have passed first, though their results are not read."""
    lane: Lane | None = None
    """Where it runs, if elsewhere than its function says."""
    tools: tuple[str, ...] = ()
    """More distributions whose version can change the result."""
    extra_key: Any = None
    """What else decides the result, such as the build of a browser."""
    machine: tuple[str, ...] = ()
    """What its machine must have, where there are several to choose from."""
    watched: tuple[str, ...] = ()
    """Files outside of the store that ``extra_key`` speaks of."""

    def __post_init__(self) -> None:
        self.function.check_inputs([*self.inputs, *self.files])

    def needs(self) -> tuple[str, ...]:
        """The nodes that come before this one."""
        return (*self.inputs.values(), *self.after)


@dataclass
class Graph:
    """Steps in an order in which they can run."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def add(self, node: Node) -> str:
        """Add a node, once; equal work of two variants is one node."""
        self.nodes.setdefault(node.id, node)
        return node.id

    def dependents(self) -> dict[str, set[str]]:
        """Node -> the nodes that need it, directly or not."""
        result: dict[str, set[str]] = {name: set() for name in self.nodes}
        for name in reversed(self.nodes):
            for need in self.nodes[name].needs():
                result[need] |= {name, *result[name]}
        return result


def step_of(step: str | StepFunction, **options: Any) -> tuple[StepFunction, StrictOptions]:
    """A step, maybe as ``module:function``, and its options, as a ``Node`` takes them."""
    function = find(step) if isinstance(step, str) else step
    return function, function.options_type(**options)
