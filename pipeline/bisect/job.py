"""Adds bisect's steps to what a build has stored, and runs them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.artifacts.proof import Proof
from pipeline.backends import targets
from pipeline.backends.targets import Target
from pipeline.base.errors import ConfigError
from pipeline.bisect.find import REPRODUCTION, RESULT, FindOptions, find
from pipeline.bisect.graph import format_of
from pipeline.bisect.own import trace_own
from pipeline.bisect.source import TraceOptions, trace
from pipeline.bisect.verdict import tolerance_of
from pipeline.engine.graph import Node
from pipeline.engine.schedule import Lanes
from pipeline.engine.store import Store
from pipeline.engine.watch import Part, Watch
from pipeline.graphs import origins
from pipeline.plan import Plan, PlannedArtifact
from pipeline.plan.delivery import plan_bundle
from pipeline.plan.execute import results, stored_results
from pipeline.plan.graph import OWN
from pipeline.validate.tolerances import number_formats

TRACE = "trace the source"


@dataclass(frozen=True)
class Request:
    """What to look for, and where."""

    artifact: str
    """Format and variant, as in ``onnx/fp32``."""
    target: str
    """A backend, as in the config: ``tfjs-webgl@chromium``."""
    samples: int = 4
    """How many of the golden's samples: those furthest from it, where a proof has found them."""
    tolerance: float | None = None
    """The error that a node may add; that of the variant's number format by default."""


@dataclass(frozen=True)
class BisectResult:
    """What came out."""

    result: dict[str, Any]
    reproduction: Path | None
    """A read-only folder in the store."""


def bisect(plan: Plan, request: Request, store: Store, lanes: Lanes, watch: Watch) -> BisectResult:
    """Find the first node of a built artifact that is wrong on a target.

    Args:
        plan: of the config that the artifact was built from.
        watch: is told of bisect's own steps.

    Raises:
        ConfigError: there is no such artifact or target, or the build is not in the store.
        MissingToolError: the target cannot run here.
    """
    artifact = _artifact(plan, request.artifact)
    target = _target(request.target, artifact)
    base = _keep_nodes(plan, [artifact.node, "golden"])
    built = stored_results(base, store)
    tensor_origins = origins.read(store.open(built[artifact.node]))
    samples = _samples(plan, artifact.proofs.get(target.id), request.samples, store)
    tensors = sorted(set(tensor_origins.values()))
    options = TraceOptions(tensors=tensors, samples=samples)
    source = _graph(plan, artifact)
    inputs = {"frozen": source, "golden": "golden"}
    last = _last(plan, artifact, target, request.tolerance)
    step = trace_own if source == OWN else trace
    nodes = {**base.nodes, TRACE: Node(TRACE, step, options, inputs)}
    nodes |= {name: plan.nodes[name] for name in last.inputs.values() if name not in nodes}
    nodes[last.id] = last
    own = Part(watch, lambda state, node: node.id not in base.nodes)
    folder = store.open(results(replace(base, nodes=nodes), store, lanes, own)[last.id])
    reproduction = folder / REPRODUCTION
    result = json.loads((folder / RESULT).read_text())
    return BisectResult(
        {"artifact": artifact.id, **result}, reproduction if reproduction.exists() else None
    )


def _last(plan: Plan, artifact: PlannedArtifact, target: Target, tolerance: float | None) -> Node:
    """The node that runs the artifact."""
    techniques = [module for module, _ in plan.config.variants[artifact.variant].techniques()]
    tolerated = tolerance or tolerance_of(number_formats(techniques))
    inputs = {"artifact": artifact.node, "trace": TRACE}
    if bundle := target.bundle(artifact.format):
        inputs["runtime"] = plan_bundle(plan, bundle)
    return Node(
        f"bisect {artifact.id} {target.id}",
        find,
        FindOptions(backend=target.backend, engine=target.engine, tolerance=tolerated),
        inputs,
        lane=target.lane,
        tools=target.definition.tools,
        extra_key=target.fingerprint(),
    )


def _samples(plan: Plan, proof: str | None, count: int, store: Store) -> list[int]:
    """The samples on which the artifact is worst, where its proof on the target is stored; then
    the first ones."""
    worst: list[dict[str, Any]] = []
    with suppress(ConfigError):
        if proof is not None:
            proved = stored_results(_keep_nodes(plan, [proof]), store)
            worst = json.loads(store.read(proved[proof], Proof.FILE)).get("worst", [])
    return list(dict.fromkeys([*(sample["sample"] for sample in worst), *range(count)]))[:count]


def _artifact(plan: Plan, name: str) -> PlannedArtifact:
    for artifact in plan.artifacts:
        if artifact.id == name:
            return artifact
    why = [f"{left.id} is left out: {left.reason}" for left in plan.left_out if left.id == name]
    raise ConfigError(
        why[0] if why else f"the config makes no artifact {name}",
        where="ARTIFACT",
        todo=f"it makes {', '.join(artifact.id for artifact in plan.artifacts)}",
    )


def _target(name: str, artifact: PlannedArtifact) -> Target:
    """The target with this name, which has to run the artifact's format."""
    wrong = targets.problem(name)
    if wrong or name == targets.ALL:
        raise ConfigError(f"{name}{wrong or ' is no single target'}", where="--backend")
    format_of(artifact.format)
    (target,) = targets.parse([name])
    if not target.runs(artifact.format):
        able = [target.id for target in targets.list_targets() if target.runs(artifact.format)]
        raise ConfigError(
            f"{target.backend} does not run {artifact.format}",
            where="--backend",
            todo=f"name one that does: {', '.join(able)}",
        )
    return target


def _keep_nodes(plan: Plan, names: Iterable[str]) -> Plan:
    """The part of a plan that leads to some nodes."""
    keepers: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in keepers:
            keepers.add(name)
            pending += plan.nodes[name].needs()
    return replace(plan, nodes={name: node for name, node in plan.nodes.items() if name in keepers})


def _graph(plan: Plan, artifact: PlannedArtifact) -> str:
    """The node of the graph that an artifact was converted from: frozen, or the source's own."""
    node = plan.nodes[artifact.node]
    while node.id != OWN and "frozen" not in node.inputs:
        node = plan.nodes[node.inputs["model"]]
    return OWN if node.id == OWN else node.inputs["frozen"]
