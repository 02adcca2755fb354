"""Constants for variables: TensorFlow's own conversion, with large values written to files.

TensorFlow's would copy each value into a protobuf message, that into a node, and that into a graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from pipeline.artifacts.large import LargeTensors, is_large, point
from pipeline.engine.step import progress_bytes
from pipeline.graphs.tensorflow.single import in_single


def as_constants(function: Any, large: LargeTensors | None) -> Any:
    """The GraphDef of a concrete function, inlined, with constants for its variables.

    Args:
        large: where the values of large ones go, in float32 if they are floats, which their
            constants become with ``single.to_single``; they stay in the graph without it.

    Raises:
        ValueError, NotImplementedError: TensorFlow cannot convert them.
    """
    from tensorflow.python.framework import convert_to_constants

    # The two halves of convert_variables_to_constants_v2 that are of use here: its third one
    # makes a callable function of the graph, which takes as long as both and is not called.
    variables = _converter(large)(func=function, lower_control_flow=False, aggressive_inlining=True)
    with _empty_constants(convert_to_constants):
        graph_def, _ = convert_to_constants._replace_variables_by_constants(variables)
    for node in graph_def.node:
        value = getattr(variables.tensor_data.get(node.name), "numpy", None)
        if node.op == "Const" and isinstance(value, _Kept):
            point(node, value.key)
    return graph_def


class _Kept(SimpleNamespace):
    """What the conversion asks of an array, of one whose values are in a file."""

    key: str
    dtype: Any
    shape: Any


def _converter(large: LargeTensors | None) -> Any:
    from tensorflow.python.framework import convert_to_constants

    class Converter(convert_to_constants._FunctionConverterDataInEager):  # type: ignore[misc]
        def _build_tensor_data(self) -> None:
            sizes = [(v.shape.num_elements() or 0) * v.dtype.size for v in self._func.variables]
            self._done, self._total = 0, sum(sizes)
            super()._build_tensor_data()

        def _eval(self, tensor: Any) -> Any:
            # A captured constant has no handle; it is copied once more, and written later.
            values = tensor.numpy()
            if large is None or not hasattr(tensor, "handle"):
                return values
            if not is_large(values.nbytes) or values.dtype == "O":
                return values
            self._done += values.nbytes
            progress_bytes(self._done, self._total, "of weights written")
            return _Kept(key=large.keep(in_single(values)), dtype=values.dtype, shape=values.shape)

    return Converter


@contextmanager
def _empty_constants(module: Any) -> Iterator[None]:
    """Give that module a ``make_tensor_proto`` that gives what is kept a type and a shape alone."""
    theirs = module.tensor_util

    def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None) -> Any:
        if not isinstance(values, _Kept):
            return theirs.make_tensor_proto(values, dtype, shape)
        from tensorflow import TensorShape
        from tensorflow.core.framework import tensor_pb2

        return tensor_pb2.TensorProto(dtype=dtype, tensor_shape=TensorShape(shape).as_proto())

    module.tensor_util = SimpleNamespace(make_tensor_proto=make_tensor_proto)
    try:
        yield
    finally:
        module.tensor_util = theirs
