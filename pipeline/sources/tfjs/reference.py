"""TF.js itself as the runtime that says what is right of a TF.js model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.backends.web import node
from pipeline.sources.contract import LoadedModel, Reference
from pipeline.tensors.arrays import Array
from pipeline.tensors.signature import TensorSpec


def with_reference(
    loaded: LoadedModel, model: Path, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> LoadedModel:
    """The same model, whose golden TF.js makes.

    Args:
        model: its ``model.json``.
        inputs: as the source calls them -> what TF.js calls them.
        outputs: the same.
    """
    signature = loaded.signature
    started: list[node.NodeModel] = []

    def theirs(spec: TensorSpec, tensors: Mapping[str, str]) -> str:
        return tensors[spec.renamed_from or spec.name]

    def run(arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        if not started:
            started.append(node.NodeModel(model))
        tensors = {theirs(spec, inputs): arrays[spec.name] for spec in signature.inputs}
        spec_of = {theirs(spec, outputs): spec for spec in signature.outputs}
        gave = started[0].run(tensors, list(spec_of))
        return {spec.name: gave[name].astype(spec.dtype) for name, spec in spec_of.items()}

    return replace(loaded, reference=Reference(f"TF.js {node.version()} (cpu)", run))
