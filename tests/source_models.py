"""A model file taken through pull, freeze, both formats and their runtimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from frozen_models import onnx_artifact, tfjs_artifact

from pipeline.backends import onnxruntime_cpu
from pipeline.backends.web.backends import BACKENDS
from pipeline.base.options import NoOptions
from pipeline.export import freeze
from pipeline.sources import keras_file, onnx, saved_model
from pipeline.sources.load import load
from pipeline.tensors.signature import Signature
from pipeline.validate import golden

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]


def source_of(path: Path, folder: Path) -> Path:
    """A SOURCE folder, new, of a SavedModel, a Keras file or an ONNX model."""
    folder.mkdir(parents=True)
    kind: Any = onnx if path.suffix == ".onnx" else keras_file
    kind = saved_model if path.is_dir() else kind
    options = kind.Options(path=path)
    kind.pull(options.local_paths(), options, folder)
    return folder


@dataclass(frozen=True)
class Made:
    """What became of a model file."""

    folder: Path

    @property
    def frozen(self) -> Path:
        return self.folder / "frozen"

    @property
    def signature(self) -> Signature:
        return Signature.read(self.frozen)

    def source(self, feeds: Arrays) -> dict[str, Array]:
        """The source model's own answers, in its own dtypes inside."""
        return golden.run(load(self.folder / "source"), feeds)

    def onnx(self, feeds: Arrays) -> dict[str, Array]:
        with onnxruntime_cpu.BACKEND.open_session(self.folder / "onnx-artifact") as session:
            return dict(session.infer(feeds))

    def tfjs(self, feeds: Arrays, backend: str = "tfjs-wasm") -> dict[str, Array]:
        with BACKENDS[backend].open_session(self.folder / "artifact", "chromium") as session:
            return dict(session.infer(feeds))


def make(path: Path, folder: Path) -> Made:
    """Pull, freeze, and convert to a TF.js graph and ONNX."""
    source = source_of(path, folder / "source")
    made = Made(folder)
    made.frozen.mkdir()
    freeze.freeze({"source": source}, NoOptions(), made.frozen)
    tfjs_artifact(made.frozen, folder)
    onnx_artifact(made.frozen, folder)
    return made


def check_everywhere(made: Made, feeds: Arrays, tolerance: float = 1e-5) -> dict[str, Array]:
    """Compare onnxruntime and TF.js with the source, by name, dtype and value."""
    wanted = made.source(feeds)
    for found in (made.onnx(feeds), made.tfjs(feeds)):
        assert found.keys() == wanted.keys()
        for spec in made.signature.outputs:
            value = found[spec.name]
            assert value.dtype == spec.dtype
            np.testing.assert_allclose(value, wanted[spec.name], atol=tolerance, rtol=tolerance)
    return wanted
