"""A model, built and converted as a build would: in the process that has TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.conformance import variants
from tests.conformance.alive import wake
from tests.conformance.case import Array, Case, samples
from tests.conformance.outcome import BFLOAT16_TOLERANCE, TOLERANCE, Outcome, first_line

#: How much outputs vary over the samples, as a share of their size. Errors are shares of how much
#: they vary: where that is a thousandth, rounding alone is as large. An architecture that was given
#: pixels of -1 to 1 where it takes 0 to 255 had 0.0006; of all models the least is 0.017.
LEAST_SPREAD = 0.01


@dataclass
class Converted:
    """What the product made of a model."""

    folder: Path
    inputs: dict[str, Array] = field(default_factory=dict)
    """[n, …] by public name."""
    wanted: dict[str, Array] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    """By name, as in ``tests.conformance.variants``."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """Of the artifacts that there are not."""
    tolerance: float = TOLERANCE
    peers: dict[str, Any] = field(default_factory=dict)
    """Of each peer: an outcome, or the file to be run."""


def convert(case: Case, folder: Path, formats: Sequence[str], peers: bool) -> Converted:
    """Build a model, run it in Keras, and export it to each format; ``folder`` is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model, given, outputs = _built(case)
    result = Converted(folder)
    model.save(folder / "model.keras")
    made = [*formats, *variants.names(formats, case.techniques)]
    frozen = _tried(result, made, lambda: _frozen(folder))
    if frozen is not None:
        if "bfloat16" in frozen.dtypes:
            result.tolerance = BFLOAT16_TOLERANCE
        signature = frozen.signature
        result.inputs = {
            spec.name: array.astype(spec.dtype)
            for spec, array in zip(signature.inputs, given, strict=True)
        }
        result.wanted = dict(zip((spec.name for spec in signature.outputs), outputs, strict=True))
        if case.techniques:
            variants.write_samples(result.inputs, folder / "samples")
        for name in formats:
            _package(result, name, [n for n in made if n.split("/")[0] == name])
    if peers:
        from tests.conformance.peers import convert_with_peers

        result.peers = convert_with_peers(case, model, given, outputs, folder)
    return result


def _built(case: Case) -> tuple[Any, list[Array], list[Array]]:
    """The model, a batch for each input, and what Keras makes of it.

    Raises:
        ValueError: the outputs are all but the same for all samples, or not finite: they show
            nothing.
    """
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = case.build()
    given = samples(case, model)
    wake(model, given)
    outputs = [np.asarray(keras.ops.convert_to_numpy(y)) for y in predict(model, given)]
    if not all(_tells(values.astype(np.float64)) for values in outputs):
        raise ValueError(f"{case.id} is asleep: its outputs tell nothing")
    return model, given, outputs


def _tells(values: Array) -> bool:
    """Whether outputs are finite, and vary over the samples (over all else of a single one)."""
    spread = np.std(values, 0) if len(values) > 1 else np.std(values)
    size, spread = (np.sqrt(np.mean(np.square(part))) for part in (values, spread))
    return bool(np.isfinite(size) and spread > LEAST_SPREAD * size)


def predict(model: Any, given: Sequence[Array]) -> list[Any]:
    """The model's outputs, flat, on its own batch size; inputs are flat too."""
    import keras

    graph = getattr(model, "_functional", None) or model
    batch = model.inputs[0].shape[0] or len(given[0])
    parts = []
    for start in range(0, len(given[0]), batch):
        # A stateful model begins anew, as each session in a browser does.
        for layer in model.layers:
            if getattr(layer, "stateful", False):
                layer.reset_states()
        tensors = [keras.ops.convert_to_tensor(array[start : start + batch]) for array in given]
        packed = keras.tree.pack_sequence_as(graph._inputs_struct, tensors)
        parts.append(keras.tree.flatten(model(packed, training=False)))
    return [
        np.concatenate([keras.ops.convert_to_numpy(p) for p in y]) for y in zip(*parts, strict=True)
    ]


def _tried(result: Converted, formats: Sequence[str], make: Any) -> Any:
    """What ``make`` makes; where it does not, that is the outcome of these formats."""
    from pipeline.base.errors import PipelineError

    try:
        return make()
    except PipelineError as error:
        # Where it lies on this machine tells nobody anything.
        told = str(error).replace(f"{result.folder}/", "")
        outcome = Outcome("refused", " ".join(told.split()))
    except Exception as error:
        outcome = Outcome("crashed", first_line(error))
    result.outcomes |= dict.fromkeys(formats, outcome)
    return None


def _frozen(folder: Path) -> Any:
    from pipeline.artifacts.frozen import Frozen
    from pipeline.base.options import NoOptions
    from pipeline.export.freeze import freeze
    from pipeline.sources.keras_file import write_source

    write_source(folder / "model.keras", _new(folder / "source"))
    freeze({"source": folder / "source"}, NoOptions(), _new(folder / "frozen"))
    return Frozen(folder / "frozen")


def _package(result: Converted, format_name: str, names: Sequence[str]) -> None:
    """A format's artifacts, all of one conversion."""
    from pipeline.export.contract import formats

    folder, format_ = result.folder, formats()[format_name]
    converted = _tried(result, names, lambda: _converted(folder, format_name))
    for name in names if converted else ():
        artifact = _tried(
            result,
            [name],
            lambda name=name: variants.package(
                format_, converted, name, folder / "samples", folder / format_name
            ),
        )
        if artifact is not None:
            result.artifacts[name] = artifact


def _converted(folder: Path, name: str) -> Path:
    """A format's float32 graph, as a plan makes it."""
    from pipeline.export.contract import formats
    from pipeline.export.operators import CheckOptions, check

    format_, inputs = formats()[name], {"frozen": folder / "frozen"}
    work = _new(folder / name)
    if format_.made_of == "keras":
        inputs["source"] = folder / "source"
    else:
        check(inputs, CheckOptions(formats=[name]), _new(work / "operators"))
    converted = _new(work / "converted")
    format_.convert(inputs, format_.convert.options_type(), converted)
    return converted


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
