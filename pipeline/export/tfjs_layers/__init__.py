"""TF.js layers models: for transfer learning in the browser, with layers by their Keras names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.engine.step import Inputs, step
from pipeline.export.contract import Format, FormatOptions
from pipeline.export.tfjs_graph.packaging import package
from pipeline.export.tfjs_layers.config import known_to_lack, layers_config, pieces_of
from pipeline.export.tfjs_layers.piece import Piece
from pipeline.sources.load import load
from pipeline.tensors.arrays import NDArray, np
from pipeline.tensors.signature import Signature

NAME = "tfjs-layers"


class Options(FormatOptions):
    """TF.js layers model, for ``tf.loadLayersModel(url)``."""


@step(version=3, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras"))
def convert(inputs: Inputs, options: NoOptions, work: Path) -> None:
    """SOURCE and FROZEN -> ``model.json`` and ``weights.bin``, float32, always the same bytes.

    Raises PipelineError, before anything is written, where TF.js lacks a layer.
    """
    loaded = load(inputs["source"])
    if loaded.keras is None:
        raise PipelineError(
            "this source has no Keras layers, which a TF.js layers model is made of",
            where=NAME,
            todo="leave tfjs-layers out of export, or use a .keras or .h5 file as the source",
        )
    keras_model = loaded.keras()
    frozen, converted = Frozen(inputs["frozen"]), ConvertedTfjs(work)
    _check_signature(keras_model, frozen.signature)
    topology = layers_config(keras_model)
    weights = _unique(_weights(keras_model))
    converted.weights_file.write_bytes(
        b"".join(w.astype("<f4").tobytes() for w in weights.values())
    )
    converted.write_model(_model_json(topology, weights))
    converted.keep_signature(frozen)


def _check_signature(keras_model: Any, signature: Signature) -> None:
    """TF.js returns outputs by position, so that it must be the signature's."""
    for tensors, specs in (
        (keras_model.inputs, signature.inputs),
        (keras_model.outputs, signature.outputs),
    ):
        found, expected = [tuple(t.shape) for t in tensors], [spec.shape for spec in specs]
        if found != expected:
            raise PipelineError(
                f"the Keras model has tensors of shapes {found}, its frozen graph {expected}",
                where=NAME,
            )


def _weights(keras_model: Any) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Every weight under the name that TF.js gives it: ``layer/kernel``."""
    import tf_keras

    for layer in keras_model.layers:
        if isinstance(layer, tf_keras.Model):
            yield from _weights(layer)
        elif isinstance(layer, tf_keras.layers.Bidirectional):
            for side in (layer.forward_layer, layer.backward_layer):
                yield from _own_weights(side, f"{layer.name}/{side.name}")
        elif pieces := pieces_of(layer):
            yield from _weights_of_pieces(pieces)
        else:
            yield from _own_weights(layer, layer.name)


def _weights_of_pieces(pieces: Sequence[Piece]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for piece in pieces:
        for name, value in (piece.weights or {}).items():
            yield f"{piece.config['name']}/{name}", value


def _own_weights(layer: Any, prefix: str) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for variable, value in zip(layer.weights, layer.get_weights(), strict=True):
        last = variable.name.removesuffix(":0").rsplit("/", maxsplit=1)[-1]
        yield f"{prefix}/{last}", value


def _unique(
    weights: Iterator[tuple[str, NDArray[np.generic]]],
) -> dict[str, NDArray[np.generic]]:
    found: dict[str, NDArray[np.generic]] = {}
    for name, value in weights:
        if name in found:
            raise PipelineError(
                f"two weights would be called {name!r} in TF.js",
                where=NAME,
                todo="give layers of models inside the model names of their own",
            )
        found[name] = value
    return found


def _model_json(topology: dict[str, Any], weights: dict[str, NDArray[np.generic]]) -> str:
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
    made_of="keras",
    known_to_lack=known_to_lack,
)
