"""A loaded model whose inputs and outputs are float32 where they were other floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.graphs.tensorflow.single import SINGLE
from pipeline.sources.contract import LoadedModel, Reference, trace
from pipeline.tensors.arrays import Array
from pipeline.tensors.signature import Signature, TensorSpec


def in_single(loaded: LoadedModel) -> LoadedModel:
    """The same model, called with and answering float32; inside it computes as it did."""
    before, after = loaded.signature, signature_in_single(loaded.signature)
    if before == after:
        return loaded
    reference = loaded.reference and reference_in_single(loaded.reference, before, after)
    return replace(loaded, signature=after, function=_cast(loaded, after), reference=reference)


def signature_in_single(before: Signature) -> Signature:
    """Float32 in the place of other floats."""
    return Signature(_single(before.inputs), _single(before.outputs))


def _single(specs: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    return tuple(
        replace(spec, dtype=SINGLE[spec.dtype], converted_from=spec.dtype)
        if spec.dtype in SINGLE
        else spec
        for spec in specs
    )


def reference_in_single(reference: Reference, before: Signature, after: Signature) -> Reference:
    """What runs a model of one signature, called by the other."""
    if before == after:
        return reference
    taken = {spec.name: spec.dtype for spec in before.inputs}
    dtypes = {spec.name: spec.dtype for spec in after.outputs}

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        outputs = reference.run({name: x.astype(taken[name]) for name, x in inputs.items()})
        return {name: outputs[name].astype(dtype) for name, dtype in dtypes.items()}

    return replace(reference, run=run)


def _cast(loaded: LoadedModel, signature: Signature) -> Any:
    """A concrete function of the same arguments and results, in the signature's dtypes."""
    import tensorflow as tf

    inner = loaded.function
    taken = {loaded.arguments[spec.name]: spec.dtype for spec in loaded.signature.inputs}
    dtypes = {loaded.results[spec.name]: spec.dtype for spec in signature.outputs}

    def call(**tensors: Any) -> dict[str, Any]:
        results = inner(**{key: tf.cast(value, taken[key]) for key, value in tensors.items()})
        return {key: tf.cast(results[key], dtype) for key, dtype in dtypes.items()}

    function = trace(call, signature.inputs, loaded.arguments)
    # What it calls owns the variables, which it refers to weakly only.
    function._owner = inner
    return function
