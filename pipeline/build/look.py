"""Looks into the model of a plan: converts it, to find what cannot be exported or run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.artifacts.frozen import Frozen
from pipeline.build.make import without_failed
from pipeline.engine.graph import Graph
from pipeline.engine.schedule import Lanes, Run
from pipeline.export import backends
from pipeline.plan import Plan
from pipeline.plan.execute import fetch_files
from pipeline.plan.graph import PlannedArtifact
from pipeline.plan.notes import changes
from pipeline.tensors.signature import FILE as SIGNATURE
from pipeline.tensors.signature import Signature

if TYPE_CHECKING:
    from pipeline.engine.store import Store
    from pipeline.engine.watch import Watch


@dataclass(frozen=True)
class ExportablePlan:
    """A plan without what its model does not allow."""

    plan: Plan
    signature: Signature
    lacking: dict[str, dict[str, str]]
    """Artifact -> target -> why it cannot run there, of targets that may be missing."""


def look(plan: Plan, graph: Graph, store: Store, lanes: Lanes, watch: Watch) -> ExportablePlan:
    """Convert the model to each format, as the build that follows will find it in the store.

    Args:
        graph: the plan's ``conversions``.

    Raises:
        PipelineError: no artifact is left, or the model itself cannot be had.
    """
    run = Run(graph, store, lanes, fetch_files(plan, store, watch.on_progress), watch)
    run.all(plan.is_hopeless)
    settled = without_failed(plan, run) if run.failures else plan
    signature = _signature(settled, run, store)
    facts = json.loads(store.read(run.results[settled.described], Frozen.FACTS))
    # What of the model was changed that users of it may look for.
    settled.notes += changes(facts, signature)
    lacking = {
        artifact.id: _reasons(settled, artifact, run, store) for artifact in settled.artifacts
    }
    lacking = {name: reasons for name, reasons in lacking.items() if reasons}
    return ExportablePlan(settled, signature, lacking)


def _signature(plan: Plan, run: Run, store: Store) -> Signature:
    return Signature.of_json(json.loads(store.read(run.results[plan.described], SIGNATURE)))


def conversions(plan: Plan) -> Graph:
    """What comes before each artifact is packaged."""
    needed = {need for artifact in plan.artifacts for need in plan.ancestors(artifact.node)}
    return Graph({name: node for name, node in plan.nodes.items() if name in needed})


def _reasons(plan: Plan, artifact: PlannedArtifact, run: Run, store: Store) -> dict[str, str]:
    """Target -> why it cannot run there."""
    checks = plan.nodes[artifact.node].after
    texts = [store.read(run.results[name], backends.FILE) for name in checks]
    return {target: reason for text in texts for target, reason in json.loads(text).items()}
