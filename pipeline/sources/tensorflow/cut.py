"""Cuts a model in front of what is not wanted, and fixes inputs that no user gives.

What decodes and suppresses boxes, and what no runtime in a page has, falls away behind the cut;
branches that a fixed input decides fall away with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.graphs.tensorflow.conditions import fold_conditions
from pipeline.graphs.tensorflow.constants import make_constant
from pipeline.graphs.tensorflow.splicing import imported, tensors_of
from pipeline.sources.contract import LoadedModel, Reference
from pipeline.sources.keras.model import public_names
from pipeline.sources.tensorflow.constants import one_function, with_constants
from pipeline.sources.tensorflow.find import find_tensor
from pipeline.sources.tensorflow.graph_model import graph_model
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.shapes import fits
from pipeline.tensors.signature import Signature, TensorSpec


def cut(
    loaded: LoadedModel, outputs: Mapping[str, str] | None, fixed: Mapping[str, Any]
) -> LoadedModel:
    """The same model from fewer inputs to other outputs; it is no Keras model any more.

    Args:
        outputs: public name -> output, tensor, node or layer of the source; ``None`` for its own.
        fixed: public input name -> its value, a number or nested lists of them.

    Raises:
        SourceError: there is no such input or tensor, or a value does not fit its input.
    """
    loaded, outputs = _until_layers(loaded, outputs or {})
    signature, raw = loaded.signature, with_constants(one_function(loaded))
    places = dict(zip((spec.name for spec in signature.inputs), raw.inputs, strict=True))
    check_inputs(fixed, places)
    values: dict[str, Array] = {}
    for spec in signature.inputs:
        if spec.name in fixed:
            place = places.pop(spec.name)
            node = next(node for node in raw.graph_def.node if node.name == place)
            values[spec.name] = fixed_value(fixed[spec.name], spec)
            make_constant(node, values[spec.name])
    graph_def = fold_conditions(raw.graph_def) if fixed else raw.graph_def
    tensor_of = dict(zip((spec.name for spec in signature.outputs), raw.outputs, strict=True))
    theirs = {
        spec.renamed_from or spec.name: tensor_of[spec.name] for spec in signature.outputs
    } | tensor_of
    tensors = {name: find_tensor(graph_def, target, theirs) for name, target in outputs.items()}
    _check_ports(graph_def, tensors.values())
    part = graph_model(graph_def, places, tensors or tensor_of)
    before = {
        spec.name: spec for spec in (*signature.inputs, *(() if tensors else signature.outputs))
    }
    public = {spec.renamed_from or spec.name: spec.name for spec in signature.outputs}
    names = {new: public.get(old, old) for new, old in outputs.items()} or {
        name: name for name in tensor_of
    }
    reference = loaded.reference and _part_of(loaded.reference, names, tensor_of, values)
    return replace(part, signature=_as_before(part.signature, before), reference=reference)


def _part_of(
    reference: Reference,
    outputs: Mapping[str, str],
    own: Collection[str],
    fixed: Mapping[str, Array],
) -> Reference | None:
    """The runtime that a model comes from with the same inputs fixed, and by the new names.

    ``None`` where an output is none of what it gives.
    """
    if not set(outputs.values()) <= set(own):
        return None

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        results = reference.run({**inputs, **fixed})
        return {name: results[old] for name, old in outputs.items()}

    return replace(reference, run=run)


def _as_before(signature: Signature, before: Mapping[str, TensorSpec]) -> Signature:
    """What the source calls its inputs and outputs is told of those that are left too."""

    def rename(spec: TensorSpec) -> TensorSpec:
        old = before.get(spec.name)
        return replace(spec, renamed_from=old.renamed_from) if old else spec

    return Signature(tuple(map(rename, signature.inputs)), tuple(map(rename, signature.outputs)))


def _until_layers(
    loaded: LoadedModel, outputs: Mapping[str, str]
) -> tuple[LoadedModel, Mapping[str, str]]:
    """A Keras model up to the layers that are named: its graph calls them by other names.

    Returns:
        The model, and public name -> the output of it.
    """
    layers = [target for target in outputs.values() if target in loaded.layers]
    if loaded.until is None or not layers:
        return loaded, outputs
    if others := [target for target in outputs.values() if target not in layers]:
        raise SourceError(
            f"{layers[0]!r} is a layer of the model, and {others[0]!r} is none",
            where="source.outputs",
            todo="name layers alone, or nodes of the graph alone",
        )
    part = loaded.until(layers)
    names = [spec.name for spec in part.signature.outputs]
    return part, dict(zip(outputs, names, strict=True))


def name_outputs(outputs: Sequence[str]) -> dict[str, str]:
    """Public names of a list of tensors, nodes or layers, made of what they are called."""
    return dict(
        zip(public_names(name.removesuffix(":0") for name in outputs), outputs, strict=True)
    )


def check_inputs(fixed: Mapping[str, Any], places: Mapping[str, str]) -> None:
    """Refuse values of inputs that there are not, or of all that there are.

    Raises:
        SourceError: it is so.
    """
    unknown = [name for name in fixed if name not in places]
    if unknown:
        raise SourceError(
            f"the model has no input {unknown[0]!r}; its inputs are {', '.join(places)}",
            where="source.inputs",
            todo="name one of these",
        )
    if len(fixed) == len(places):
        raise SourceError(
            "every input would have a fixed value",
            where="source.inputs",
            todo="leave the input out that users give",
        )


def fixed_value(value: Any, spec: TensorSpec) -> Any:
    """A value as an array of the input's dtype and shape: one number fills it.

    Raises:
        SourceError: it does not fit.
    """
    expected = f"{spec.dtype} of shape {list(spec.shape)}"
    try:
        array = np.asarray(value).astype(spec.dtype)
        shape = [1 if size is None else size for size in spec.shape]
        array = np.full(shape, array) if array.ndim == 0 else array
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or not fits(array.shape, spec.shape):
        raise SourceError(
            f"{value!r} does not fit the input {spec.name!r}, which is {expected}",
            where="source.inputs",
            todo="give one number, or nested lists of that shape",
        )
    return array


def _check_ports(graph_def: Any, names: Iterable[str]) -> None:
    tensors = tensors_of(imported(graph_def))
    for name in names:
        if name not in tensors:
            node, _, port = name.partition(":")
            raise SourceError(
                f"the node {node!r} has no output {port}",
                where="source.outputs",
                todo="leave the colon and the number out for its first one",
            )
