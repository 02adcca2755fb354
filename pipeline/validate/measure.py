"""Runs one artifact on one backend: parity with the golden, accuracy, latency."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import options
from pipeline.registry import discover
from pipeline.step import Inputs, Keep, step
from pipeline.validate.golden import task_accuracy
from pipeline.validate.parity import compare
from pipeline.validate.telling import agreement
from pipeline.validate.worst import keep_worst

if TYPE_CHECKING:
    from pipeline.backends.session import Latency, Session

RESULT = "result.json"

#: Untimed inferences between the first one and the timed ones.
WARMUPS = 3


class MeasureOptions(options.Options):
    """On what, and how often."""

    backend: str
    task: str
    repeats: int
    left_out: str | None = None
    """Why the user wants it not to run."""


@step(version=2, tools=("numpy",), alone=True)
def measure(inputs: Inputs, options: MeasureOptions, work: Path) -> Keep | None:
    """ARTIFACT and GOLDEN -> ``result.json``, and the outputs on the worst samples."""
    from pipeline.backends.session import Unavailable

    backend = discover("backends", "open_session")[options.backend]
    reason = options.left_out or backend.unavailable()
    measured: dict[str, Any] = {}
    if reason is None:
        try:
            with backend.open_session(inputs["artifact"]) as session:
                measured = _measure(session, inputs["golden"], options, work)
        except Unavailable as error:
            reason = str(error)
    result = {
        "backend": options.backend,
        "engine": measured.get("hardware", {}).get("details", {}).get("engine"),
        "status": "unavailable" if reason else "measured",
        "reason": reason,
        **measured,
    }
    (work / RESULT).write_text(json.dumps(result, indent=1))
    # What the user leaves out stays so; what is missing may be there tomorrow.
    return Keep.THIS_BUILD if reason and not options.left_out else Keep.ALWAYS


def _measure(session: Session, golden: Path, options: MeasureOptions, work: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    facts = json.loads((golden / "golden.json").read_text())
    samples = load_file(golden / "inputs.safetensors")
    wanted = load_file(golden / "outputs.safetensors")
    one = {name: values[:1] for name, values in samples.items()}
    latency = session.latency(one, warmups=WARMUPS, repeats=options.repeats)
    outputs = session.infer(samples)
    softmax = {name: output["softmax"] for name, output in facts["outputs"].items()}
    parity = compare(outputs, wanted, softmax)
    parity["top1_agreement"] = agreement(options.task, outputs, wanted)
    return {
        "hardware": asdict(session.hardware),
        "parity": parity,
        "accuracy": task_accuracy(options.task, outputs, golden),
        "worst": keep_worst(outputs, wanted, work),
        "latency": _summary(session.load_ms, latency),
    }


def _summary(load_ms: float, latency: Latency) -> dict[str, Any]:
    import numpy as np

    warm = np.asarray(latency.warm_ms)
    return {
        "load_ms": round(load_ms, 3),
        "first_ms": round(latency.first_ms, 3),
        "median_ms": round(float(np.median(warm)), 3),
        "p95_ms": round(float(np.percentile(warm, 95)), 3),
        "repeats": len(warm),
    }
