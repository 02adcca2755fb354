"""Which weights of a TF.js layers model are to stay float32, found in tf_keras, which reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.kept import KeptFolder
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.errors import PipelineError
from pipeline.engine.step import step
from pipeline.export.keep import KeepOptions, Run, find_kept
from pipeline.export.tfjs_graph.stored import Stored
from pipeline.export.tfjs_layers.variables import variables
from pipeline.tensors.arrays import Array, Arrays
from pipeline.tensors.batches import infer_in_batches
from pipeline.tensors.signature import Signature


@step(version=1, lane="tensorflow", tools=("tensorflow", "tf-keras", "numpy"))
def keep(model: ConvertedTfjs, samples: SamplesFolder, options: KeepOptions, work: Path) -> None:
    """CONVERTED and SAMPLES -> KEPT.

    Raises:
        PipelineError: tf_keras does not take the layers; the bounds say nothing of the model, or
            cannot be kept.
    """
    stored = Stored.read(model, options.codec_options)
    run = _runner(_opened(stored), stored, model.signature)
    weights = [*stored.weights.values()]
    KeptFolder(work).write(find_kept(weights, run, model.signature, samples, options))


def _opened(stored: Stored) -> Any:
    """The model that a page makes of the config."""
    import tf_keras

    config = stored.model["modelTopology"]["model_config"]
    try:
        model = tf_keras.models.model_from_json(json.dumps(config))
    except (ValueError, TypeError, KeyError) as error:
        raise _refused() from error
    if {name for name, _ in variables(model)} != {spec["name"] for spec in stored.specs}:
        raise _refused()
    return model


def _refused() -> PipelineError:
    return PipelineError(
        "tf_keras does not take these layers as TF.js has them, so that keep cannot be measured",
        where="tfjs-layers",
        todo="give tfjs-layers a variant without keep: list it in export.tfjs-layers.variants",
    )


def _runner(model: Any, stored: Stored, signature: Signature) -> Run:
    import tensorflow as tf

    variable_of = dict(variables(model))
    plain = dict(stored.plain())
    for name, variable in variable_of.items():
        variable.assign(plain[name])
    called = tf.function(lambda *tensors: model([*tensors], training=False))

    def run(changed: Mapping[str, Array], inputs: Arrays) -> dict[str, Array]:
        for name, values in changed.items():
            variable_of[name].assign(values)

        def batch(some: dict[str, Array]) -> dict[str, Array]:
            # By position, as TF.js takes and gives them.
            tensors = [tf.constant(some[spec.name]) for spec in signature.inputs]
            results = tf.nest.flatten(called(*tensors))
            named = zip(signature.outputs, results, strict=True)
            return {spec.name: result.numpy() for spec, result in named}

        outputs = infer_in_batches(batch, inputs, signature.inputs)
        for name in changed:
            variable_of[name].assign(plain[name])
        return outputs

    return run
