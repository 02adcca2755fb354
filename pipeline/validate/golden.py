"""The golden: samples and the source model's own float32 outputs on them, made once."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base import options
from pipeline.base.errors import GateError
from pipeline.base.registry import discover
from pipeline.engine.step import Inputs, step
from pipeline.tensors.arrays import Array, Float64s, np
from pipeline.tensors.signature import Signature
from pipeline.validate import canary
from pipeline.validate.confidence import confidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.sources.contract import LoadedModel
    from pipeline.tensors.signature import Signature


class GoldenOptions(options.Options):
    """What the model is for."""

    task: str


@step(version=4, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras"))
def make(inputs: Inputs, options: GoldenOptions, work: Path) -> None:
    """Run the source model on the test samples, and make the canary of one of them.

    Raises:
        GateError: the outputs hold NaN or infinity.
    """
    from safetensors.numpy import load_file, save_file

    from pipeline.sources.load import load

    samples = inputs["samples"] / "test"
    loaded = load(inputs["source"])
    arrays = load_file(samples / "inputs.safetensors")
    outputs = run(loaded, arrays)
    _check_finite(outputs)
    signature = Signature.read(inputs["frozen"] / "signature.json")
    softmax = {spec.name: spec.softmax for spec in signature.outputs}
    if sure := confidence(options.task, outputs, softmax):
        sure.write(work)
    canary.make(arrays, outputs, signature, partial(run, loaded), work)
    save_file(outputs, work / "outputs.safetensors")
    for name in ("inputs.safetensors", "labels.safetensors"):
        if (samples / name).exists():
            shutil.copyfile(samples / name, work / name)
    facts = {
        "count": len(next(iter(arrays.values()))),
        "outputs": {
            spec.name: {"spread": _spread(outputs[spec.name]), "softmax": spec.softmax}
            for spec in signature.outputs
        },
        "accuracy": task_accuracy(options.task, outputs, work),
    }
    (work / "golden.json").write_text(json.dumps(facts, indent=1))


def run(loaded: LoadedModel, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs of a model in TensorFlow by public name, [n, …], for [n, …] inputs."""
    import tensorflow as tf

    from pipeline.tensors.batches import infer_in_batches

    def batch(inputs: dict[str, Array]) -> dict[str, Array]:
        given = {loaded.arguments[name]: tf.constant(value) for name, value in inputs.items()}
        results = loaded.function(**given)
        return {name: results[key].numpy() for name, key in loaded.results.items()}

    specs = [{"name": spec.name, "shape": spec.shape} for spec in loaded.signature.inputs]
    return infer_in_batches(batch, arrays, specs)


def task_accuracy(
    task: str,
    outputs: Mapping[str, Array],
    folder: Path,
    source: Mapping[str, Array] | None = None,
) -> dict[str, Any] | None:
    """The task's metric on outputs, if ``folder`` has labels and the task a metric.

    Args:
        source: the source model's outputs on the same samples; ``None`` where it is the source
            that is measured.

    Returns:
        Where samples are right or wrong, with ``chance`` of the source; of an artifact ``lost``,
        which counts the samples that only the source gets right, and ``gained``, the opposite.
    """
    from safetensors.numpy import load_file

    if not (folder / "labels.safetensors").exists():
        return None
    labels = load_file(folder / "labels.safetensors")["labels"]
    module = discover("tasks", "accuracy")[task]
    measured: dict[str, Any] | None = module.accuracy(outputs, labels)
    if measured is None or not hasattr(module, "right"):
        return measured
    if source is None:
        return measured | {"chance": module.chance(outputs, labels)}
    before, after = (module.right(answers, labels) for answers in (source, outputs))
    counts = {"lost": before & ~after, "gained": after & ~before}
    return measured | {name: int(changed.sum()) for name, changed in counts.items()}


def _check_finite(outputs: Mapping[str, Array]) -> None:
    broken = [name for name, values in outputs.items() if not np.isfinite(values).all()]
    if broken:
        raise GateError(
            f"the source model itself gives NaN or infinity in {', '.join(broken)}",
            where="golden",
            todo="check the weights, and that input is what the model was trained with",
        )


def _spread(values: Array) -> float:
    """The largest standard deviation, over samples, of any element."""
    deviation: Float64s = values.astype(np.float64).std(axis=0)
    return float(deviation.max()) if deviation.size else 0.0
