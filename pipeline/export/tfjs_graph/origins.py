"""Which frozen tensor each tensor of an optimized TF.js graph equals, told from names.

Grappler names a fused node after its last part, whose value it has. The converter's own
fusions (PReLU, depthwise convolutions) name it after the first part.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: Grappler's name for the node that takes the place of ``<scope>/<name>``.
_REWRITTEN = re.compile(r"(.*?)ArithmeticOptimizer/AddOpsRewrite_(?!Leaf_|Internal_)([^/]+)")


@dataclass
class BeforeFusing:
    """The graph as the converter's own fusions find it."""

    ops: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)

    def take(self, graph_def: Any) -> None:
        self.ops = {node.name: node.op for node in graph_def.node}
        self.inputs = {node.name: list(node.input) for node in graph_def.node}


@contextmanager
def watch_fusions(module: Any) -> Iterator[BeforeFusing]:
    """See the graph that goes into ``module.fuse_ops_for_prelu``, the first of the fusions."""
    before, theirs = BeforeFusing(), module.fuse_ops_for_prelu

    def fuse(graph_def: Any) -> Any:
        before.take(graph_def)
        return theirs(graph_def)

    module.fuse_ops_for_prelu = fuse
    try:
        yield before
    finally:
        module.fuse_ops_for_prelu = theirs


def origins(
    graph_def: Any, before: BeforeFusing, frozen: Collection[str], scaled: Collection[str]
) -> dict[str, str]:
    """Tensor -> frozen tensor, both as ``node:port``.

    Args:
        graph_def: the optimized graph.
        frozen: names of the frozen graph's nodes.
        scaled: convolutions into whose weights a scale was folded: alone they equal nothing.
    """
    replaced = _fused_parts(graph_def, before)
    origin_of = {}
    for tensor in _tensors(graph_def):
        node, port = tensor.rsplit(":", 1)
        origin = replaced.get(node, node)
        origin = origin if origin in frozen else _REWRITTEN.sub(r"\1\2", origin)
        if origin in frozen and origin not in scaled:
            origin_of[tensor] = f"{origin}:{port}"
    return origin_of


def _tensors(graph_def: Any) -> list[str]:
    """Every tensor that is computed: first outputs, and further ones that are read."""
    constant = ("Const", "Placeholder")
    names = {f"{node.name}:0": None for node in graph_def.node if node.op not in constant}
    read = (name for node in graph_def.node for name in node.input if name[0] != "^")
    names |= {name: None for name in read if ":" in name}
    return list(names)


def _fused_parts(graph_def: Any, before: BeforeFusing) -> dict[str, str]:
    """Node that was fused under its first part's name -> the part whose value it has.

    That is what its readers read in the same place before.
    """
    fused = {node.name for node in graph_def.node if before.ops.get(node.name) != node.op}
    replaced = {}
    for node in graph_def.node:
        for now, then in zip(node.input, before.inputs.get(node.name, ()), strict=False):
            if now in fused and before.ops.get(now):
                replaced[now] = then
    return replaced
