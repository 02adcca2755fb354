"""What to do of artifacts that missed a bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.measures.metrics import metric_of
from pipeline.measures.miss import Miss
from pipeline.search.text import flow

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.release import Manifest

#: Where only accuracy is bounded: an error that changes few answers.
USUAL = {"relative_error": 0.1}


def advise(manifest: Manifest, misses: Sequence[Miss]) -> str:
    """One sentence for all of them."""
    searched = {search["variant"] for search in manifest.get("searches", [])}
    if all(_variant(miss) in searched for miss in misses):
        return (
            "what a search found by held-back samples does not hold on the test split: bound it "
            "more tightly there, or hold more samples back"
        )
    if all(metric_of(miss.metric).is_everywhere for miss in misses):
        gate = f"validate.gates.{misses[0].artifact}.portable=false"
        return f"quantize it anew; or --set {gate}, if only ARM and x86 with VNNI run it"
    artifacts = {artifact["id"]: artifact for artifact in manifest["artifacts"]}
    if lines := _keeping(artifacts, misses, searched):
        few = "leave the few weights that do most damage in float32, in the config"
        return f"{few} ({'; '.join(lines)}), or leave the variant out"
    return "make the variant better, or leave it out"


def _variant(miss: Miss) -> str:
    return miss.artifact.rpartition("/")[2]


def _keeping(
    artifacts: Mapping[str, Artifact], misses: Iterable[Miss], searched: set[str]
) -> list[str]:
    """The config of each variant whose weights could keep bounds that nothing bounds yet."""
    sections: dict[str, dict[str, Any]] = {}
    for miss in misses:
        weights = artifacts[miss.artifact].get("weights")
        bounds = _bounds(miss)
        if not weights or "keep" in weights or _variant(miss) in searched or not bounds:
            return []
        recipe = sections.setdefault(_variant(miss), {"to": weights["codec"], "keep": {}})
        recipe["keep"] |= bounds
    return [f"variants.{name}.quantize: {flow(recipe)}" for name, recipe in sections.items()]


def _bounds(miss: Miss) -> dict[str, float]:
    """What calibration samples are to keep, so that test samples keep the bound that was missed;
    nothing where weights do not decide it."""
    metric = metric_of(miss.metric)
    if miss.value is None:
        return {}
    if not (metric.gate and metric.is_difference):
        return USUAL if metric.name == "accuracy_drop" else {}
    if metric.is_share:
        return {miss.metric: (1 + miss.bound) / 2 if metric.is_floor else miss.bound / 2}
    halved = {"dB": miss.bound + 6, "cosine": (1 + miss.bound) / 2}
    return {miss.metric: round(halved.get(metric.unit, miss.bound / 2), 6)}
