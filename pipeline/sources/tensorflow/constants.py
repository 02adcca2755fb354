"""A loaded model as one graph that holds all it needs."""

from __future__ import annotations

from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.graphs.tensorflow.canonical_graph import RawGraph
from pipeline.graphs.tensorflow.conditions import fold_conditions
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


def with_constants(function: Any) -> RawGraph:
    """The function with constants for variables, and called functions written out.

    What no input can choose is gone.

    Raises:
        PipelineError: a variable cannot become a constant.
    """
    from tensorflow.python.framework import convert_to_constants

    try:
        # The two halves of convert_variables_to_constants_v2 that are of use here: its third one
        # makes a callable function of the graph, which takes as long as both and is not called.
        variables = convert_to_constants._FunctionConverterDataInEager(
            func=function, lower_control_flow=False, aggressive_inlining=True
        )
        graph_def, _ = convert_to_constants._replace_variables_by_constants(variables)
    except (ValueError, NotImplementedError) as error:
        raise PipelineError(
            f"the model's variables cannot become constants ({str(error).splitlines()[0]})",
            todo="export it for inference only, without states that change between calls",
        ) from error
    given = len(function.inputs) - len(function.captured_inputs)
    return RawGraph(
        fold_conditions(graph_def),
        [tensor.op.name for tensor in function.inputs[:given]],
        [tensor.name for tensor in function.outputs],
    )
