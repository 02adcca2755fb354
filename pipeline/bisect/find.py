"""The step that runs an artifact on its target beside the source's tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.backends.targets import Target
from pipeline.base.errors import MissingToolError, PipelineError
from pipeline.base.options import StrictOptions
from pipeline.bisect import graph as graphs
from pipeline.bisect.compare import Comparison, Misfit, SeenTensor
from pipeline.bisect.reproduce import write_reproduction
from pipeline.bisect.source import Trace
from pipeline.bisect.verdict import HALF_PRECISION, Finding, apart, doubtful, findings, refuted
from pipeline.engine.step import step
from pipeline.graphs import origins

RESULT, REPRODUCTION = "bisect.json", "reproduction"


class FindOptions(StrictOptions):
    """Where, and what counts as wrong."""

    backend: str
    engine: str | None = None
    """The browser engine, for a backend that needs one."""
    tolerance: float
    """The error that a node may add, as a share of the range of its output."""


@step(version=4, tools=("numpy",))
def find(
    artifact: ArtifactFolder,
    trace: Trace,
    runtime: Path | None,
    options: FindOptions,
    work: Path,
) -> None:
    """ARTIFACT, TRACE, a BUNDLE -> ``bisect.json``, ``reproduction/`` of the first wrong node.

    Raises:
        MissingToolError: the target cannot run here.
    """
    from pipeline.backends.session import Unavailable

    target = Target(options.backend, options.engine)
    try:
        if reason := target.unavailable():
            raise Unavailable(reason)
        module = graphs.format_of(artifact.format)
        graph = module.read(artifact.folder)
        comparison = Comparison(artifact.folder, module, graph, target, trace, work, runtime)
        result = _find(comparison, options.tolerance)
    except Unavailable as error:
        raise MissingToolError(str(error), where=target.id, todo="run `pipeline doctor`") from error
    (work / RESULT).write_text(json.dumps(result, indent=1))


def _find(comparison: Comparison, tolerance: float) -> dict[str, Any]:
    graph, trace, work = comparison.graph, comparison.trace, comparison.work
    traced = _choose_traced(graph, origins.read(comparison.artifact), trace)
    alone = comparison.outputs_alone(traced)
    seen, misfits = comparison.as_it_runs(traced)
    if comparison.hardware.get("details", {}).get("texture_float_bits") == 16:
        tolerance = max(tolerance, HALF_PRECISION)
    ranked = _find_all(comparison, seen, misfits, tolerance)
    wrong = [finding for finding in ranked if finding.added > tolerance]
    if wrong:
        (work / REPRODUCTION).mkdir()
        write_reproduction(comparison, wrong[0], seen, tolerance, work / REPRODUCTION)
    return {
        "target": comparison.target.id,
        "hardware": comparison.hardware,
        "samples": trace.chosen,
        "tolerance": tolerance,
        "nodes": len(graph.ops),
        "compared": len({op.name for finding in ranked for op in finding.region.ops}),
        "outputs": _outputs(graph, seen, alone),
        "first": wrong[0].as_json() if wrong else None,
        "wrong": [finding.as_json() for finding in wrong],
        "ranking": [
            finding.as_json() for finding in sorted(ranked, key=lambda finding: -finding.added)
        ],
    }


def _choose_traced(
    graph: graphs.ArtifactGraph, known: Mapping[str, str], trace: Trace
) -> dict[str, str]:
    """The origins of what flows through the graph, where the trace holds them."""
    known_origins = {
        tensor: known[tensor]
        for op in graph.ops
        for tensor in op.outputs
        if known.get(tensor) in trace.files
    }
    if not known_origins:
        raise PipelineError(
            "no tensor of this artifact is known to equal one of the source",
            todo="bisect a variant without techniques; if it is one, this is a bug",
        )
    return known_origins


def _find_all(
    comparison: Comparison,
    seen: Mapping[str, SeenTensor],
    misfits: Mapping[str, Misfit],
    tolerance: float,
) -> list[Finding]:
    """Every finding; counterparts that the values refute are passed over."""
    every = _without(set(), comparison, seen, misfits)
    doubts = doubtful(every, comparison.graph, tolerance)
    if not doubts:
        return every
    trial = _without(doubts, comparison, seen, misfits)
    wrong = refuted(doubts, trial, tolerance)
    if wrong == doubts:
        return trial
    # Taken together, doubts reach as far as a fault that lies behind the last of them.
    for doubt in sorted(doubts - wrong):
        trial = _without(wrong | {doubt}, comparison, seen, misfits)
        wrong |= refuted({doubt}, trial, tolerance)
    return _without(wrong, comparison, seen, misfits) if wrong else every


def _without(
    unknown: set[str],
    comparison: Comparison,
    seen: Mapping[str, SeenTensor],
    misfits: Mapping[str, Misfit],
) -> list[Finding]:
    """The findings where some tensors are taken to have no counterpart."""
    known = {name: compared for name, compared in seen.items() if name not in unknown}
    regions = apart(graphs.regions(comparison.graph, known, misfits), misfits)
    fit = [region for region in regions if region.tensor not in misfits]
    return findings(regions, known, misfits, comparison.node_by_node(fit, known))


def _outputs(
    graph: graphs.ArtifactGraph, seen: Mapping[str, SeenTensor], alone: Mapping[str, float]
) -> dict[str, dict[str, float | None]]:
    """Public name -> error of the artifact's output, read alone and together with every tensor.

    ``None`` where there is no output, or nothing finite.
    """
    read = {name: seen.get(tensor) for tensor, name in graph.outputs.items()}
    return {
        name: {
            "error": _finite(alone.get(name)),
            "error_while_all_is_read": _finite(output.error if output else None),
        }
        for name, output in read.items()
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
