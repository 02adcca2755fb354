"""A loaded model as one graph that holds all it needs."""

from __future__ import annotations

from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.base.errors import PipelineError
from pipeline.base.reasons import reason_of
from pipeline.graphs.tensorflow.canonical_graph import RawGraph
from pipeline.graphs.tensorflow.conditions import fold_conditions
from pipeline.graphs.tensorflow.tables import compare_with_keys
from pipeline.graphs.tensorflow.variables import as_constants
from pipeline.sources.contract import LoadedModel


def one_function(loaded: LoadedModel) -> Any:
    """A concrete function whose inputs are named i0…, and whose outputs o0… in signature order."""
    import tensorflow as tf

    signature = loaded.signature

    def call(*tensors: Any) -> list[Any]:
        names = [loaded.arguments[spec.name] for spec in signature.inputs]
        results = loaded.function(**dict(zip(names, tensors, strict=True)))
        ordered = [results[loaded.results[spec.name]] for spec in signature.outputs]
        return [tf.identity(value, name=f"o{i}") for i, value in enumerate(ordered)]

    return tf.function(call, autograph=False).get_concrete_function(
        *(
            tf.TensorSpec(spec.shape, spec.dtype, name=f"i{index}")
            for index, spec in enumerate(signature.inputs)
        )
    )


def with_constants(function: Any, large: LargeTensors | None = None) -> RawGraph:
    """The function with constants for variables, and called functions written out.

    What no input can choose is gone; tables of whole numbers are comparisons.

    Args:
        large: where the values of large variables go; they stay in the graph without it.

    Raises:
        PipelineError: a variable cannot become a constant.
    """
    try:
        graph_def = as_constants(function, large)
    except (ValueError, NotImplementedError) as error:
        raise PipelineError(
            f"the model's variables cannot become constants ({reason_of(error)})",
            todo="export it for inference only, without states that change between calls",
        ) from error
    count = len(function.inputs) - len(function.captured_inputs)
    captured = zip(function.inputs[count:], function.captured_inputs, strict=True)
    graph_def = compare_with_keys(graph_def, {inner.op.name: held for inner, held in captured})
    return RawGraph(
        fold_conditions(graph_def),
        [tensor.op.name for tensor in function.inputs[:count]],
        [tensor.name for tensor in function.outputs],
    )
