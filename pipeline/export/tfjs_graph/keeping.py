"""Which weights of a TF.js graph are to stay float32, found in TensorFlow, which runs it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.kept import KeptFolder
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.engine.step import step
from pipeline.export.keep import KeepOptions, Run, find_kept
from pipeline.export.tfjs_graph.stored import Stored
from pipeline.tensors.arrays import Array, Arrays
from pipeline.tensors.batches import infer_in_batches
from pipeline.tensors.signature import Signature


@step(version=1, lane="tensorflow", tools=("tensorflow", "numpy"))
def keep(model: ConvertedTfjs, samples: SamplesFolder, options: KeepOptions, work: Path) -> None:
    """CONVERTED and SAMPLES -> KEPT.

    Raises:
        PipelineError: the bounds say nothing of the model, or cannot be kept.
    """
    stored = Stored.read(model, options.codec_options)
    weights, main = [*stored.weights.values()], stored.constants
    values = {weight.name: weight.values for weight in weights if weight.name in main}
    # What lies in the body of a loop cannot be fed: it stays unless nothing has to.
    fed = [weight for weight in weights if weight.name in values]
    run = _runner(stored, values, model.signature)
    kept = find_kept(fed, run, model.signature, samples, options)
    inside = {weight.name: None for weight in weights if weight.name not in values}
    KeptFolder(work).write(replace(kept, damages={**kept.damages, **inside}))


def _runner(stored: Stored, fed: Mapping[str, Array], signature: Signature) -> Run:
    """One function for all weights."""
    import tensorflow as tf

    from pipeline.backends.tensorflow import function_of

    described = stored.model["signature"]
    ins = [described["inputs"][spec.name]["name"] for spec in signature.inputs]
    outs = [described["outputs"][spec.name]["name"] for spec in signature.outputs]
    function = function_of(stored.model, stored.plain(), ins, outs, fed)
    plain = {name: tf.constant(values) for name, values in fed.items()}

    def run(changed: Mapping[str, Array], inputs: Arrays) -> dict[str, Array]:
        weights = (plain | {name: tf.constant(values) for name, values in changed.items()}).values()

        def batch(some: dict[str, Array]) -> dict[str, Array]:
            tensors = [tf.constant(some[spec.name]) for spec in signature.inputs]
            results = zip(signature.outputs, function(*tensors, *weights), strict=True)
            return {spec.name: result.numpy() for spec, result in results}

        return infer_in_batches(batch, inputs, signature.inputs)

    return run
