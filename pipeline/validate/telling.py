"""Whether the golden can tell a broken model from a good one, by the bounds that will be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.samples_folder import Golden
from pipeline.base.errors import GateError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.measures.metrics import metric_of
from pipeline.measures.parity import compare
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.varying import pad
from pipeline.validate.answers import Answers
from pipeline.validate.sampling import explain_undecided

if TYPE_CHECKING:
    Bounds = Mapping[str, Mapping[str, float]]

#: Two answers at least, to see whether they differ.
FEWEST_SAMPLES = 2

#: How many times the tolerance the outputs must differ between samples. A
#: MobileNet with random weights says 0.001 for every class of every image; any
#: other broken model then agrees with it to within the tolerance.
TELLING = 20


class CheckOptions(StrictOptions):
    """What artifacts will be held to."""

    task: Purpose
    bounds: dict[str, dict[str, float]]
    """Artifact -> metric -> bound."""


@step(version=5, tools=("numpy",), quick=True)
def check(golden: Golden, options: CheckOptions, work: Path) -> None:
    """GOLDEN -> nothing, if it tells.

    Raises:
        GateError: there is one sample, the outputs hardly differ, or a model that ignores its
            input would pass.
    """
    check_count(golden.facts["count"])
    facts = golden.facts["outputs"]
    check_spread({name: output["spread"] for name, output in facts.items()}, options.bounds)
    softmax = {name: output["softmax"] for name, output in facts.items()}
    judge = Answers.of(options.task, softmax, golden.folder)
    check_bounds(golden.outputs(), softmax, judge, options.bounds)
    (work / "telling.json").write_text(json.dumps(options.bounds))


def check_count(count: int) -> None:
    """Refuse a single sample."""
    if count < FEWEST_SAMPLES:
        raise GateError(
            f"there is one test sample: {FEWEST_SAMPLES} are needed at least to tell a broken "
            "model from a good one, and some dozens to judge its answers by",
            where="golden",
            todo="give more samples: half of them become test samples, unless "
            "samples.test_share or the file's `split` says otherwise",
        )


def check_spread(spreads: Mapping[str, float], bounds: Bounds) -> None:
    """Refuse outputs that differ between samples by little more than the tightest tolerance."""
    named = [bound["max_abs_error"] for bound in bounds.values() if bound.get("max_abs_error")]
    tolerance = min(named, default=1e-4)
    if max(spreads.values()) < TELLING * tolerance:
        shown = ", ".join(f"{name} by {value:.2g}" for name, value in spreads.items())
        raise GateError(
            "the golden cannot tell a broken model from a good one: between samples the outputs "
            f"differ ({shown}) by less than {TELLING} times the tolerance of {tolerance:.2g}",
            where="golden",
            todo="give samples that the model tells apart, weights that are trained, "
            "or a tighter max_abs_error",
        )


def check_bounds(
    outputs: Mapping[str, Array], softmax: Mapping[str, bool], judge: Answers, bounds: Bounds
) -> None:
    """Refuse bounds that a model which ignores its input would keep."""
    for does, answers in _broken(outputs).items():
        parity = compare(answers, outputs, softmax) | judge.agreement(answers, outputs)
        result = {**parity, "samples": len(next(iter(outputs.values())))}
        fooled = [name for name, bound in bounds.items() if _keeps(result, bound)]
        if fooled:
            raise GateError(
                f"the gates of {', '.join(fooled)} would let a broken model pass: "
                f"one that gives {does}",
                where="golden",
                todo="tighten a bound (relative_error below 1 always tells), or give samples "
                "that the model tells apart",
            )


def _broken(outputs: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """What models that do not look at their input would answer."""
    mean = {
        name: np.broadcast_to(values.mean(axis=0), values.shape).astype(values.dtype)
        for name, values in ((name, pad(varying)) for name, varying in outputs.items())
    }
    rolled = {name: np.roll(values, 1, axis=0) for name, values in outputs.items()}
    return {
        "the mean answer to every sample": mean,
        "each sample's answer to the next": rolled,
    }


def _keeps(result: Mapping[str, Any], bounds: Mapping[str, float]) -> bool:
    return all(
        (value := result.get(metric)) is None
        or metric_of(metric).keeps(value, bound)
        or explain_undecided(metric, value, bound, result)
        for metric, bound in bounds.items()
    )
