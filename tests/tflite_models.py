"""Small TFLite files, made by TensorFlow's converter, and what its interpreter computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def convert(
    function: Callable[..., Mapping[str, Any]],
    shapes: Mapping[str, Sequence[int | None]],
    store: str = "float32",
    samples: Sequence[Array] = (),
) -> bytes:
    """A file of a function.

    Args:
        shapes: of its inputs, by their names.
        store: ``float32``, ``sparse``, ``float16``, ``dynamic`` (int8 weights), ``int8`` or
            ``uint8``.
        samples: what an integer model is calibrated on.
    """
    import tensorflow as tf

    lite = tf.lite
    specs = [tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()]
    module = tf.Module()
    module.run = tf.function(function, input_signature=specs)
    concrete = module.run.get_concrete_function()
    converter = lite.TFLiteConverter.from_concrete_functions([concrete], module)
    how = {"float32": [], "sparse": [lite.Optimize.EXPERIMENTAL_SPARSITY]}
    converter.optimizations = how.get(store, [lite.Optimize.DEFAULT])
    if store == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if store in ("int8", "uint8"):
        converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: ([sample] for sample in samples)
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(store)
    content: bytes = converter.convert()
    return content


def interpret(content: bytes, inputs: Sequence[Array]) -> list[Array]:
    """Outputs, in the file's order; integer inputs and outputs as what they stand for."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=content)
    details = interpreter.get_input_details()
    for detail, array in zip(details, inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(details, inputs, strict=True):
        interpreter.set_tensor(detail["index"], _stored(array, detail))
    interpreter.invoke()
    return [
        _real(interpreter.get_tensor(detail["index"]), detail)
        for detail in interpreter.get_output_details()
    ]


def _stored(array: Array, detail: Mapping[str, Any]) -> Array:
    scale, zero = detail["quantization"]
    if not scale:
        return array
    limits = np.iinfo(detail["dtype"])
    stored = np.clip(np.round(array / scale) + zero, limits.min, limits.max)
    return stored.astype(detail["dtype"])


def _real(array: Array, detail: Mapping[str, Any]) -> Array:
    scale, zero = detail["quantization"]
    return (array.astype(np.float32) - zero) * scale if scale else array


def custom(
    name: str, inputs: Sequence[Sequence[int]], output: Sequence[int], options: bytes
) -> bytes:
    """A file of one custom operator; inputs are ``x0``, ``x1``, …, the output is ``y``."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    def tensor(name: str, shape: Sequence[int]) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, list(shape), 0
        return made

    code, node, graph, model = (
        getattr(schema, f"{table}T")()
        for table in ("OperatorCode", "Operator", "SubGraph", "Model")
    )
    code.deprecatedBuiltinCode = code.builtinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = name, 2
    ends = list(range(len(inputs)))
    node.inputs, node.outputs, node.customOptions = ends, [len(inputs)], list(options)
    graph.tensors = [tensor(f"x{i}", shape) for i, shape in enumerate(inputs)]
    graph.tensors.append(tensor("y", output))
    graph.inputs, graph.outputs, graph.operators = ends, [len(inputs)], [node]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
