"""A TF.js layers model as the Keras model that it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.backends.tfjs_graph import read_weights
from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.sources.contract import LoadedModel
from pipeline.sources.tfjs.files import MODEL, read_model
from pipeline.sources.tfjs.reference import with_reference
from pipeline.tensors.arrays import Array


def load(folder: Path) -> LoadedModel:
    """The model of a source folder, without running code from it.

    Raises:
        SourceError: it names what is no layer of Keras, or has other weights than its layers.
    """
    import tf_keras

    from pipeline.sources.keras.model import from_tf_keras, start_fresh
    from pipeline.sources.keras.safety import check_config

    model = read_model(folder / MODEL)
    topology = model["modelTopology"]
    config = check_config(json.dumps(topology.get("model_config", topology)), MODEL)
    start_fresh()
    try:
        network = tf_keras.models.model_from_json(json.dumps(config))
        weights = dict(read_weights(model["weightsManifest"], folder))
        network.set_weights([*_values(network, weights)])
        loaded = from_tf_keras(network)
    except SourceError:
        raise
    except Exception as error:  # whatever a crafted or an odd file makes Keras raise
        raise SourceError(
            f"tf_keras {tf_keras.__version__} cannot load these layers ({reason_of(error)})",
            where=MODEL,
            todo="check that TF.js loads them; if it does, report the model",
        ) from error
    sides = (loaded.signature.inputs, loaded.signature.outputs)
    source_names = [[spec.renamed_from or spec.name for spec in side] for side in sides]
    theirs = (network.input_names, network.output_names)
    inputs, outputs = (
        dict(zip(*pair, strict=True)) for pair in zip(source_names, theirs, strict=True)
    )
    return with_reference(loaded, folder / MODEL, inputs, outputs)


def _values(network: Any, weights: Mapping[str, Array]) -> Iterator[Array]:
    """The weights of a model's layers, in its own order."""
    for layer in network.layers:
        for index, variable in enumerate(layer.weights):
            names = _names(layer.name, index, variable.name)
            name = next((name for name in names if name in weights), None)
            if name is None:
                raise SourceError(
                    f"the layer {layer.name!r} has no weights called {names[0]!r}",
                    where=MODEL,
                    todo="convert the model again, with all of its weights",
                )
            yield weights[name]


def _names(layer: str, index: int, variable: str) -> list[str]:
    """What converters of their time called a variable: all, without a cell's name, by number."""
    name = variable.removesuffix(":0")
    *outer, _, last = name.split("/")
    return [name, "/".join([*outer, last]), f"{layer}/{index}"]
