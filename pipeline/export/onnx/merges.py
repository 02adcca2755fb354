"""Sees what tf2onnx merges into a convolution, which then has another tensor's value.

Its transpose optimizer puts an addition or a product with a constant into the weights of the
convolution in front of it, and names the result after neither, or after the convolution alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Methods of tf2onnx' ``TransposeOptimizer`` that may merge the node behind a transpose.
HANDLERS = ("_add_handler", "_mul_handler")


@contextmanager
def watch_merges(merged: dict[str, str]) -> Iterator[None]:
    """While open, put tensor -> the tensor whose value it got into ``merged``."""
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    theirs = {name: getattr(TransposeOptimizer, name) for name in HANDLERS}
    for name, handler in theirs.items():
        setattr(TransposeOptimizer, name, _watched(handler, merged))
    try:
        yield
    finally:
        for name, handler in theirs.items():
            setattr(TransposeOptimizer, name, handler)


def _watched(handler: Callable[..., bool], merged: dict[str, str]) -> Callable[..., bool]:
    def watched(self: Any, trans: Any, node: Any) -> bool:
        name, value = node.name, node.output[0]
        done = handler(self, trans, node)
        # A node that is gone has its value in what the transpose reads, but for the layout.
        if done and self._g.get_node_by_name(name) is None and trans.inputs[0] is not None:
            merged[trans.input[0]] = value
        return done

    return watched
