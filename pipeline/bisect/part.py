"""The description that a part of an artifact has in common in every format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.artifacts.artifact import ArtifactFolder, ArtifactWriter
from pipeline.bisect.graph import Cut
from pipeline.tensors.signature import Signature, TensorSpec


def part_writer(artifact: Path, cut: Cut, inputs: Sequence[str], folder: Path) -> ArtifactWriter:
    """A writer for a part of ``artifact`` that takes ``inputs``, tensors given or public ones."""
    whole = ArtifactFolder(artifact)
    public = {spec.name: spec for spec in whole.signature.inputs}
    specs = [
        TensorSpec(name, cut.given[name].dtype, cut.given[name].shape)
        if name in cut.given
        else public[name]
        for name in inputs
    ]
    outputs = [TensorSpec(cut.returned(tensor), "", ()) for tensor in cut.tensors]
    return ArtifactWriter(
        folder,
        whole.format,
        whole.variant,
        Signature(tuple(specs), tuple(outputs)),
    )
