"""What was measured of a release, as CycloneDX 1.6 says it in a component's ``modelCard``.

https://cyclonedx.org/docs/1.6/json/#components_items_modelCard: every value is a string there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.manifest.parse import measured_or_none
from pipeline.measures.metrics import metric_of
from pipeline.tensors.shapes import shown

if TYPE_CHECKING:
    from pipeline.manifest.proof import Accuracy, LatencyRatio, Measured
    from pipeline.manifest.release import ReleaseManifest, Spec

#: One of ``performanceMetrics``.
Metric = dict[str, object]


def model_card(manifest: ReleaseManifest) -> dict[str, object]:
    """The model card of a whole manifest."""
    metrics = [*_source(manifest), *_artifacts(manifest)]
    return {
        "modelParameters": _parameters(manifest),
        "quantitativeAnalysis": {"performanceMetrics": metrics},
        "considerations": {"technicalLimitations": list(_limitations(manifest))},
    }


def _parameters(manifest: ReleaseManifest) -> dict[str, object]:
    """The task, the data that was measured on, and what goes in and out."""
    samples = manifest["samples"]
    described = f"{samples['test']} samples, on which everything here was measured"
    dataset = {
        "type": "dataset",
        "name": samples["description"],
        "description": f"{described}; licence: {samples['license'] or 'not said'}",
    }
    return {
        "task": manifest["task"],
        "datasets": [dataset],
        "inputs": [{"format": _format(tensor)} for tensor in manifest["inputs"]],
        "outputs": [{"format": _format(tensor)} for tensor in manifest["outputs"]],
    }


def _format(spec: Spec) -> str:
    """``image: float32 [?, 64, 64, 3]``."""
    return f"{spec['name']}: {spec['dtype']} {shown(spec['shape'])}"


def _source(manifest: ReleaseManifest) -> Iterator[Metric]:
    if accuracy := manifest["accuracy"]:
        yield _accuracy(accuracy, "source")


def _artifacts(manifest: ReleaseManifest) -> Iterator[Metric]:
    for artifact in manifest["artifacts"]:
        for proof in artifact["validation"]:
            if ran := measured_or_none(proof):
                yield from _metrics_of(ran, f"{artifact['id']} on {proof['target']}")


def _metrics_of(proof: Measured, where: str) -> Iterator[Metric]:
    """Parity, accuracy and latency of one artifact on one target."""
    for name, value in proof["parity"].items():
        if isinstance(value, int | float):
            yield _metric(f"parity {name}", value, where)
    if accuracy := proof.get("accuracy"):
        yield _accuracy(accuracy, where)
    latency = proof["latency"]
    times = latency["median_ms"], latency["p99_ms"], latency["load_ms"]
    for name, value in zip(("median_ms", "p99_ms", "load_ms"), times, strict=True):
        yield _metric(f"latency {name}", value, where)
    if ratio := latency.get("ratio"):
        yield _metric(f"latency relative to {ratio['reference']}", ratio["value"], where, ratio)


def _accuracy(accuracy: Accuracy, where: str) -> Metric:
    metric = metric_of(accuracy["metric"])
    unit = "" if metric.is_share else f", {metric.unit}"
    return _metric(f"{metric.words}{unit}", accuracy["value"], where, accuracy)


def _metric(
    name: str, value: float, where: str, bounds: Accuracy | LatencyRatio | None = None
) -> Metric:
    """Args:
    bounds: has ``low`` and ``high`` where an interval of confidence is known.
    """
    metric: Metric = {"type": name, "value": str(value), "slice": where}
    if bounds and bounds.get("low") is not None:
        interval = {"lowerBound": str(bounds["low"]), "upperBound": str(bounds["high"])}
        metric["confidenceInterval"] = interval
    return metric


def _limitations(manifest: ReleaseManifest) -> Iterator[str]:
    """Where it could not run, and where what ran was no GPU: once for each target."""
    proofs = [proof for artifact in manifest["artifacts"] for proof in artifact["validation"]]
    for target, proof in sorted({proof["target"]: proof for proof in proofs}.items()):
        if proof["status"] == "unavailable":
            yield f"not proved on {target}: {proof['reason']}"
        elif proof["hardware"]["kind"] == "software":
            name = proof["hardware"]["name"]
            yield f"{target} ran on a software rasterizer ({name}): its latency is no GPU's"
