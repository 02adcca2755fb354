"""TF.js layers models: for transfer learning in the browser, with layers by their Keras names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.export.contract import Format, FormatOptions
from pipeline.export.tfjs_graph.packaging import package
from pipeline.export.tfjs_layers.config import layers_model
from pipeline.export.tfjs_layers.keeping import keep
from pipeline.export.tfjs_layers.known import known_to_lack
from pipeline.sources.load import load
from pipeline.tensors.arrays import Array
from pipeline.tensors.signature import Signature

NAME = "tfjs-layers"


class Options(FormatOptions):
    """TF.js layers model, for ``tf.loadLayersModel(url)``."""


@step(version=4, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras"))
def convert(source: SourceFolder, frozen: Frozen, options: NoOptions, work: Path) -> None:
    """SOURCE and FROZEN -> ``model.json`` and ``weights.bin``, float32, always the same bytes.

    Raises PipelineError, before anything is written, where TF.js lacks a layer.
    """
    loaded = load(source.folder)
    if loaded.keras is None:
        raise PipelineError(
            "this source has no Keras layers, which a TF.js layers model is made of",
            where=NAME,
            todo="leave tfjs-layers out of export, or use a .keras or .h5 file as the source",
        )
    keras_model = loaded.keras()
    converted = ConvertedTfjs(work)
    model = layers_model(keras_model)
    _check_signature(keras_model, frozen.signature)
    weights = _unique(model.weights)
    converted.weights_file.write_bytes(
        b"".join(w.astype("<f4").tobytes() for w in weights.values())
    )
    converted.write_model(_model_json(model.entry, weights))
    converted.keep_signature(frozen)


def _check_signature(keras_model: Any, signature: Signature) -> None:
    """TF.js returns outputs by position, so that it must be the signature's."""
    for tensors, specs in (
        (keras_model.inputs, signature.inputs),
        (keras_model.outputs, signature.outputs),
    ):
        shapes, expected = [tuple(t.shape) for t in tensors], [spec.shape for spec in specs]
        if shapes != expected:
            raise PipelineError(
                f"the Keras model has tensors of shapes {shapes}, its frozen graph {expected}",
                where=NAME,
            )


def _unique(
    weights: Sequence[tuple[str, Array]],
) -> dict[str, Array]:
    unique: dict[str, Array] = {}
    for name, value in weights:
        if name in unique:
            raise PipelineError(
                f"two weights would be called {name!r} in TF.js",
                where=NAME,
                todo="give layers of models inside the model names of their own",
            )
        unique[name] = value
    return unique


def _model_json(topology: dict[str, Any], weights: dict[str, Array]) -> str:
    import tf_keras

    manifest = [
        {"name": name, "shape": list(value.shape), "dtype": "float32"}
        for name, value in weights.items()
    ]
    content = {
        "format": "layers-model",
        "generatedBy": f"keras v{tf_keras.__version__}",
        "convertedBy": "model-pipeline",
        "modelTopology": {
            "keras_version": tf_keras.__version__,
            "backend": "tensorflow",
            "model_config": topology,
        },
        "weightsManifest": [{"paths": [ConvertedTfjs.WEIGHTS], "weights": manifest}],
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


FORMAT = Format(
    name=NAME,
    options=Options,
    convert=convert,
    package=package,
    keep=keep,
    made_of="keras",
    known_to_lack=known_to_lack,
)
