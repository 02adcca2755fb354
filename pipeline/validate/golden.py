"""The golden: samples and the source model's own float32 outputs on them, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.samples_folder import Golden, SamplesFolder
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import GateError
from pipeline.base.options import NoOptions, StrictOptions
from pipeline.engine.step import step
from pipeline.measures.parity import compare
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Array, Float64s, np
from pipeline.tensors.batches import infer_in_batches
from pipeline.tensors.per_sample import ORIGINS, TRUTH
from pipeline.tensors.varying import flat, pad
from pipeline.validate import canary
from pipeline.validate.answers import Answers

if TYPE_CHECKING:
    from pipeline.sources.contract import LoadedModel, Reference


#: What float32's rounding alone may make of an output's largest value, over some hundred layers;
#: of one that hardly varies over the samples it may be much of how much it does.
ROUNDING = 1e-5


class GoldenOptions(StrictOptions):
    """What the model is for."""

    task: Purpose


@step(version=7, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras"))
def make(
    source: SourceFolder, frozen: Frozen, samples: SamplesFolder, options: GoldenOptions, work: Path
) -> None:
    """Run the source model on the test samples, and make the canary of one of them.

    Raises:
        GateError: the outputs hold NaN or infinity, or the graph made of the model gives others.
    """
    from pipeline.sources.load import load

    loaded = load(source.folder)
    arrays = samples.test.inputs()
    outputs = run(loaded, arrays)
    _check_finite(outputs)
    if loaded.reference:
        _check_graph(loaded.reference, outputs, run_in_tensorflow(loaded, arrays))
    name = loaded.reference.name if loaded.reference else None
    _write(_Answered(outputs, partial(run, loaded), name), frozen, samples, options.task, work)


@step(version=1, tools=("onnxruntime", "onnx"))
def make_own(
    source: SourceFolder, frozen: Frozen, samples: SamplesFolder, options: GoldenOptions, work: Path
) -> None:
    """The same of a model as it came, by its own runtime, without TensorFlow.

    Raises:
        GateError: the outputs hold NaN or infinity.
    """
    from pipeline.sources.load import load_own

    own = load_own(source.folder)

    def run_own(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return infer_in_batches(own.reference.run, arrays, own.signature.inputs)

    outputs = run_own(samples.test.inputs())
    _check_finite(outputs)
    answered = _Answered(outputs, run_own, own.reference.name)
    _write(answered, frozen, samples, options.task, work)


@step(version=1, lane="tensorflow", tools=("tensorflow",))
def check_graph(source: SourceFolder, golden: Golden, options: NoOptions, work: Path) -> None:
    """SOURCE and GOLDEN -> nothing, where TensorFlow's graph computes what the golden says.

    Raises:
        GateError: it does not, so that all that is made of it would be wrong.
    """
    from pipeline.sources.load import load

    loaded = load(source.folder)
    if loaded.reference is None:
        raise TypeError("a model that TensorFlow runs has no graph to compare")
    # One of which only the shape counts is no input of a graph whose shapes are known.
    taken = {spec.name for spec in loaded.signature.inputs}
    inputs = {name: array for name, array in golden.inputs().items() if name in taken}
    _check_graph(loaded.reference, golden.outputs(), run_in_tensorflow(loaded, inputs))


@dataclass(frozen=True)
class _Answered:
    """The source model's outputs, and what gave them."""

    outputs: dict[str, Array]
    run: Callable[[Mapping[str, Array]], dict[str, Array]]
    reference: str | None
    """The runtime, where it is not TensorFlow."""


def _write(
    answered: _Answered, frozen: Frozen, samples: SamplesFolder, task: Purpose, work: Path
) -> None:
    test, golden, outputs = samples.test, Golden(work), answered.outputs
    arrays = test.inputs()
    signature = frozen.signature
    softmax = {spec.name: spec.softmax for spec in signature.outputs}
    canary.make(arrays, outputs, signature, answered.run, work)
    for name in (test.INPUTS, TRUTH, ORIGINS):
        if (test.folder / name).exists():
            shutil.copyfile(test.folder / name, work / name)
    answers = Answers.of(task, softmax, work)
    if sure := answers.confidence(outputs, outputs):
        sure.write(work)
    facts = {
        "count": len(next(iter(arrays.values()))),
        "outputs": {
            spec.name: {"spread": _spread(outputs[spec.name]), "softmax": spec.softmax}
            for spec in signature.outputs
        },
        "accuracy": answers.accuracy(outputs),
    }
    if answered.reference:
        facts["reference"] = answered.reference
    golden.write(outputs, facts)


def run(loaded: LoadedModel, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs by public name, [n, …], for [n, …] inputs, of the runtime that a model comes from."""
    if loaded.reference is None:
        return run_in_tensorflow(loaded, arrays)
    return infer_in_batches(loaded.reference.run, arrays, loaded.signature.inputs)


def run_in_tensorflow(loaded: LoadedModel, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The same in TensorFlow."""
    import tensorflow as tf

    def batch(inputs: dict[str, Array]) -> dict[str, Array]:
        arguments = {loaded.arguments[name]: tf.constant(value) for name, value in inputs.items()}
        results = loaded.function(**arguments)
        return {name: results[key].numpy() for name, key in loaded.results.items()}

    return infer_in_batches(batch, arrays, loaded.signature.inputs)


def _check_graph(
    reference: Reference, outputs: Mapping[str, Array], ours: Mapping[str, Array]
) -> None:
    """Refuse a graph that is not the model it was made of: all artifacts would be wrong alike."""
    for name, expected in outputs.items():
        measured = compare({name: ours[name]}, {name: expected}, {})
        error, size = measured["relative_error"], float(np.abs(flat(expected)).max(initial=0.0))
        if error > reference.tolerance and measured["max_abs_error"] > ROUNDING * size:
            raise GateError(
                f"the graph made of the model does not compute what {reference.name} does: "
                f"{name} is off by {error:.2g} of how much it varies, and may be by "
                f"{reference.tolerance:g}",
                where="golden",
                todo="report the model; source.outputs may cut it in front of what is wrong",
            )


def _check_finite(outputs: Mapping[str, Array]) -> None:
    broken = [name for name, values in outputs.items() if not np.isfinite(flat(values)).all()]
    if broken:
        raise GateError(
            f"the source model itself gives NaN or infinity in {', '.join(broken)}",
            where="golden",
            todo="check the weights, and that input is what the model was trained with",
        )


def _spread(values: Array) -> float:
    """The largest standard deviation, over samples, of any element."""
    deviation: Float64s = pad(values).astype(np.float64).std(axis=0)
    return float(deviation.max()) if deviation.size else 0.0
