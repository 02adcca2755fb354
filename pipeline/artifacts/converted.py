"""A CONVERTED folder: one format in float32, before its weights are encoded and cut into files."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.artifacts import large_onnx
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.large import LargeTensors
from pipeline.tensors.signature import Signature


@dataclass(frozen=True)
class Converted:
    """What every format has."""

    folder: Path

    @property
    def signature(self) -> Signature:
        return Signature.read(self.folder)

    def keep_signature(self, frozen: Frozen) -> None:
        """Take over the signature of the graph that it is made of, byte for byte."""
        shutil.copyfile(Signature.file(frozen.folder), Signature.file(self.folder))


@dataclass(frozen=True)
class ConvertedOnnx(Converted):
    """One ``ModelProto``, its large weights in files beside it."""

    MODEL: ClassVar = "model.onnx"

    @property
    def large(self) -> LargeTensors:
        """The large weights."""
        return LargeTensors.of(self.folder)

    def outline(self) -> Any:
        """The model, read anew, large weights left in their files, of which it knows where."""
        import onnx

        model = onnx.load(self.folder / self.MODEL, load_external_data=False)
        large_onnx.locate(model, self.folder)
        return model

    def model(self) -> Any:
        """The model, read anew, with all weights.

        Raises:
            PipelineError: they are more than protobuf holds.
        """
        model = self.outline()
        large_onnx.load_all(model)
        del model.metadata_props[:]
        return model

    def write(self, model: Any, signature: Signature, large: LargeTensors | None = None) -> None:
        """Write it, always the same bytes of the same model.

        Args:
            large: where weights are that are in files already.
        """
        tensors = model.graph.initializer
        if large is not None:
            self.large.take(large_onnx.keys_of(tensors), large)
        large_onnx.spill(tensors, self.large)
        content = model.SerializeToString(deterministic=True)
        (self.folder / self.MODEL).write_bytes(content)
        signature.write(self.folder)


@dataclass(frozen=True)
class ConvertedTfjs(Converted):
    """TF.js' ``model.json``, of a graph or of layers, with all weights in one file."""

    MODEL: ClassVar = "model.json"
    WEIGHTS: ClassVar = "weights.bin"

    def model(self) -> dict[str, Any]:
        """The parsed ``model.json``."""
        model: dict[str, Any] = json.loads((self.folder / self.MODEL).read_text())
        return model

    @property
    def weights_file(self) -> Path:
        """The bytes of all weights, in the order of the model's one ``weightsManifest``."""
        return self.folder / self.WEIGHTS

    def write_model(self, model: str) -> None:
        """Write a serialized ``model.json``."""
        (self.folder / self.MODEL).write_text(model)
