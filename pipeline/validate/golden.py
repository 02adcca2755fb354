"""The golden: samples and the source model's own float32 outputs on them, made once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import options
from pipeline.errors import GateError
from pipeline.registry import discover
from pipeline.step import Inputs, step
from pipeline.validate.miss import kept
from pipeline.validate.parity import compare

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.model import LoadedModel, Signature

    Array = NDArray[Any]

#: How many times the tolerance the outputs must differ between samples. A
#: MobileNet with random weights says 0.001 for every class of every image; any
#: other broken model then agrees with it to within the tolerance.
TELLING = 20


class GoldenOptions(options.Options):
    """What the golden must be able to show."""

    task: str
    bounds: dict[str, dict[str, float]]
    """Artifact -> metric -> bound: what artifacts will be held to."""


@step(version=1, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras"))
def make(inputs: Inputs, options: GoldenOptions, work: Path) -> None:
    """Run the source model on the test samples.

    Raises:
        GateError: the outputs hold NaN, or do not tell one sample from another.
    """
    from safetensors.numpy import load_file, save_file

    from pipeline import model

    samples = inputs["samples"] / "test"
    loaded = model.load(inputs["source"])
    arrays = load_file(samples / "inputs.safetensors")
    outputs = run(loaded, arrays)
    spreads = _check(outputs, _tightest(options.bounds))
    signature = _frozen_signature(inputs)
    _check_bounds(outputs, signature, options)
    save_file(outputs, work / "outputs.safetensors")
    for name in ("inputs.safetensors", "labels.safetensors"):
        if (samples / name).exists():
            shutil.copyfile(samples / name, work / name)
    facts = {
        "count": len(next(iter(arrays.values()))),
        "outputs": {
            spec.name: {"spread": spreads[spec.name], "softmax": spec.softmax}
            for spec in signature.outputs
        },
        "accuracy": task_accuracy(options.task, outputs, work),
    }
    (work / "golden.json").write_text(json.dumps(facts, indent=1))


def run(loaded: LoadedModel, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs of a model in TensorFlow by public name, [n, …], for [n, …] inputs."""
    import tensorflow as tf

    from pipeline.backends.batches import infer_in_batches

    def batch(inputs: dict[str, Array]) -> dict[str, Array]:
        given = {loaded.arguments[name]: tf.constant(value) for name, value in inputs.items()}
        results = loaded.function(**given)
        return {name: results[key].numpy() for name, key in loaded.results.items()}

    specs = [{"name": spec.name, "shape": spec.shape} for spec in loaded.signature.inputs]
    return infer_in_batches(batch, arrays, specs)


def task_accuracy(task: str, outputs: Mapping[str, Array], folder: Path) -> dict[str, Any] | None:
    """The task's metric on outputs, if ``folder`` has labels and the task a metric."""
    from safetensors.numpy import load_file

    if not (folder / "labels.safetensors").exists():
        return None
    labels = load_file(folder / "labels.safetensors")["labels"]
    measured: dict[str, Any] | None = discover("tasks", "accuracy")[task].accuracy(outputs, labels)
    return measured


def _frozen_signature(inputs: Inputs) -> Signature:
    from pipeline.model import Signature

    return Signature.read(inputs["frozen"] / "signature.json")


def _check(outputs: Mapping[str, Array], tolerance: float) -> dict[str, float]:
    import numpy as np

    broken = [name for name, values in outputs.items() if not np.isfinite(values).all()]
    if broken:
        raise GateError(
            f"the source model itself gives NaN or infinity in {', '.join(broken)}",
            where="golden",
            todo="check the weights, and that preprocess is what the model was trained with",
        )
    spreads = {name: _spread(values) for name, values in outputs.items()}
    if max(spreads.values()) < TELLING * tolerance:
        shown = ", ".join(f"{name} by {value:.2g}" for name, value in spreads.items())
        raise GateError(
            "the golden cannot tell a broken model from a good one: between samples the outputs "
            f"differ ({shown}) by less than {TELLING} times the tolerance of {tolerance:.2g}",
            where="golden",
            todo="give samples that the model tells apart, weights that are trained, "
            "or a tighter max_abs_error",
        )
    return spreads


def _tightest(bounds: Mapping[str, Mapping[str, float]]) -> float:
    """The tightest bound on an absolute error; float32's usual one where there is none."""
    named = [one["max_abs_error"] for one in bounds.values() if one.get("max_abs_error")]
    return min(named, default=1e-4)


def _check_bounds(
    outputs: Mapping[str, Array], signature: Signature, options: GoldenOptions
) -> None:
    """Refuse bounds that a model which ignores its input would keep."""
    import numpy as np

    softmax = {spec.name: spec.softmax for spec in signature.outputs}
    broken = {
        "the mean answer to every sample": {
            name: np.broadcast_to(values.mean(axis=0), values.shape).astype(values.dtype)
            for name, values in outputs.items()
        },
        "each sample's answer to the next": {
            name: np.roll(values, 1, axis=0) for name, values in outputs.items()
        },
    }
    for does, answers in broken.items():
        parity = compare(answers, outputs, softmax)
        parity["top1_agreement"] = agreement(options.task, answers, outputs)
        fooled = [name for name, bounds in options.bounds.items() if _keeps(parity, bounds)]
        if fooled:
            raise GateError(
                f"the gates of {', '.join(fooled)} would let a broken model pass: "
                f"one that gives {does}",
                where="golden",
                todo="tighten a bound (relative_error below 1 always tells), or give samples "
                "that the model tells apart",
            )


def _keeps(parity: Mapping[str, Any], bounds: Mapping[str, float]) -> bool:
    known = {metric: bound for metric, bound in bounds.items() if parity.get(metric) is not None}
    return all(kept(metric, parity[metric], bound) for metric, bound in known.items())


def agreement(task: str, outputs: Mapping[str, Array], golden: Mapping[str, Array]) -> float | None:
    """The share of samples of the same class as in the golden, where the task has classes."""
    classes = getattr(discover("tasks", "accuracy")[task], "classes", None)
    return None if classes is None else float((classes(outputs) == classes(golden)).mean())


def _spread(values: Array) -> float:
    """The largest standard deviation, over samples, of any element."""
    import numpy as np

    deviation: NDArray[np.float64] = values.astype(np.float64).std(axis=0)
    return float(deviation.max()) if deviation.size else 0.0
