"""An ONNX model as it came, whole or in part, with onnxruntime: no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.onnx.own import Part, check_weights, own_graph
from pipeline.graphs.onnx.to_tensorflow.outline import (
    as_text,
    fix_dimensions,
    needed,
    opset_of,
    read_by,
)
from pipeline.sources.contract import OwnModel
from pipeline.sources.keras.model import public_names
from pipeline.sources.onnx.files import read_model
from pipeline.sources.onnx.names import check_dimensions, find_tensor, is_narrow, tensors_of
from pipeline.sources.onnx.reference import Runtime
from pipeline.sources.single import reference_in_single, signature_in_single
from pipeline.sources.tensorflow.cut import check_inputs, fixed_value, name_outputs
from pipeline.tensors.signature import Signature, TensorSpec

#: onnxruntime's names of dtypes that are not NumPy's.
_FLOATS = {"float": "float32", "double": "float64"}

#: What onnxruntime says before its reason.
_PLACE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed: ?)?")

#: Last opset whose Softmax is one over all axes from one on.
_FLAT_SOFTMAX = 12


def own_model(path: Path, details: Mapping[str, Any]) -> OwnModel:
    """The model of a file.

    Args:
        details: what its ``source.json`` says: ``dimensions``, maybe ``cut``.

    Raises:
        SourceError: it is no model, has not what a config names, or onnxruntime does not take it.
    """
    dimensions = details["dimensions"]
    model = read_model(path)
    with as_text():
        check_dimensions(dimensions, model)
        fix_dimensions(model.graph, dimensions)
        check_weights(model, path.parent)
        reader = _Reader(model)
        part, names = reader.part(details.get("cut") or {})
        runtime = Runtime(path, part, dimensions)
        came = reader.signature(part, names, runtime)
    signature = signature_in_single(came)
    reference = runtime.reference(narrow=is_narrow(model))

    def graph(large: LargeTensors) -> tuple[Any, tuple[str, ...]]:
        taken = read_model(path)
        with as_text():
            fix_dimensions(taken.graph, dimensions)
            return own_graph(taken, path.parent, part, signature, large)

    return OwnModel(signature, reference_in_single(reference, came, signature), graph)


class _Reader:
    """Finds in a model what a config names."""

    def __init__(self, model: Any) -> None:
        self._graph, self._opset, self._tensors = model.graph, opset_of(model), tensors_of(model)

    def part(self, cut: Mapping[str, Any]) -> tuple[Part, dict[str, str]]:
        """The part that is wanted, and public name -> name before, of inputs and outputs."""
        named = cut.get("outputs")
        targets = name_outputs(named) if isinstance(named, list) else named
        whole = {value.name: value.name for value in self._graph.output}
        wanted = {
            name: find_tensor(self._tensors | whole, target)
            for name, target in (targets or whole).items()
        }
        inputs = self._inputs(wanted.values())
        taken = dict(zip(public_names(inputs), inputs, strict=True))
        outputs = dict(zip(public_names(wanted, taken), wanted.items(), strict=True))
        fixed = cut.get("fixed") or {}
        check_inputs(fixed, taken)
        values = {
            taken[name]: fixed_value(value, self._input(name, taken[name]))
            for name, value in fixed.items()
        }
        left = {name: before for name, before in taken.items() if name not in fixed}
        part = Part(left, {name: tensor for name, (_, tensor) in outputs.items()}, values)
        return part, left | {name: before for name, (before, _) in outputs.items()}

    def _inputs(self, wanted: Collection[str]) -> list[str]:
        """The inputs that these tensors need, in the model's order."""
        held = {tensor.name for tensor in self._graph.initializer}
        held |= {tensor.values.name for tensor in self._graph.sparse_initializer}
        read = {name for node in needed(self._graph, wanted) for name in read_by(node)}
        read |= set(wanted)
        return [v.name for v in self._graph.input if v.name in read and v.name not in held]

    def _input(self, name: str, tensor_name: str) -> TensorSpec:
        from onnx import helper

        kind = next(v.type.tensor_type for v in self._graph.input if v.name == tensor_name)
        if not kind.HasField("shape") or kind.elem_type in (0, 8):
            raise SourceError(
                f"the input {tensor_name!r} is no tensor of numbers with a known number of axes",
                where="onnx",
                todo="export the model with shapes of its inputs",
            )
        shape = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim)
        return TensorSpec(name, helper.tensor_dtype_to_np_dtype(kind.elem_type).name, shape)

    def signature(self, part: Part, names: Mapping[str, str], runtime: Runtime) -> Signature:
        """What the part takes and gives, in the model's own dtypes.

        Raises:
            SourceError: onnxruntime does not take the model, or it gives no tensors of numbers.
        """
        inputs = [self._input(name, tensor_name) for name, tensor_name in part.inputs.items()]
        outputs = list(self._outputs(part, runtime))

        def rename(spec: TensorSpec) -> TensorSpec:
            before = names[spec.name]
            return replace(spec, renamed_from=None if before == spec.name else before)

        return Signature(tuple(map(rename, inputs)), tuple(map(rename, outputs)))

    def _outputs(self, part: Part, runtime: Runtime) -> Iterator[TensorSpec]:
        try:
            given = {value.name: value for value in runtime.session.get_outputs()}
        except Exception as error:  # onnxruntime's errors have no common base of their own
            raise SourceError(
                f"onnxruntime does not take this model: {_PLACE.sub('', reason_of(error))}",
                where="onnx",
                todo="name tensors before what it does not know under source.outputs, or export "
                "the model in another way",
            ) from error
        for name, tensor_name in part.outputs.items():
            described = given[tensor_name]
            kind, _, inner = described.type.partition("(")
            dtype = _FLOATS.get(inner.rstrip(")"), inner.rstrip(")"))
            if kind != "tensor" or dtype == "string":
                raise SourceError(
                    f"the output {tensor_name!r} is no tensor of numbers, but a {described.type}",
                    where="onnx",
                    todo="name the tensors that are wanted under source.outputs",
                )
            shape = tuple(size if isinstance(size, int) else None for size in described.shape)
            yield TensorSpec(name, dtype, shape, softmax=self._is_softmax(tensor_name, len(shape)))

    def _is_softmax(self, tensor: str, rank: int) -> bool:
        """Whether a tensor is a softmax over its last axis."""
        makers = {name: node for node in self._graph.node for name in node.output}
        node = makers.get(tensor)
        while node is not None and node.op_type in ("Identity", "Cast"):
            node = makers.get(node.input[0])
        if node is None or node.op_type != "Softmax":
            return False
        usual = 1 if self._opset <= _FLAT_SOFTMAX else -1
        axis = next((a.i for a in node.attribute if a.name == "axis"), usual)
        return bool(axis % max(rank, 1) == rank - 1)
