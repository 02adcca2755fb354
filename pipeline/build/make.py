"""Makes what a plan asks for, or reads it from the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.base.errors import ConfigError
from pipeline.build import last, receipt
from pipeline.build.result import Built
from pipeline.engine.schedule import Lanes, Run
from pipeline.engine.store import Result, Store
from pipeline.engine.watch import Part, Watch
from pipeline.plan import Plan, make_plan
from pipeline.plan.execute import fetch_files, stored_results
from pipeline.storage.layout import MANIFEST


def make_build(
    plan: Plan,
    store: Store,
    lanes: Lanes,
    watch: Watch,
    *,
    overrides: Sequence[str] = (),
    receipt_key: str | None = None,
) -> Built:
    """Bring the store to hold everything that a plan makes, and note it as the model's last build.

    Args:
        lanes: where steps run; several plans may share them, and so one import of TensorFlow.
        overrides: what the command line said besides the config.
        receipt_key: where to leave a receipt, for the next build to see that it is the same.

    Raises:
        PipelineError: of any kind, where no artifact came of it; finished steps are kept.
    """
    files = fetch_files(plan, store, watch.on_progress)
    run = Run(plan, store, lanes, files, watch)
    run.all(plan.is_hopeless)
    while run.failures:
        smaller = without_failed(plan, run)
        unchanged = _unchanged_results(plan, smaller, run.results)
        # Most that this pass finds in the store, the first one has just made.
        news = Part(watch, lambda state, node: state != "stored")
        run = Run(smaller, store, lanes, files, news, known=unchanged)
        plan = smaller
        run.all(plan.is_hopeless)
    # What failed is tried again by the next build, which therefore has something to do.
    if receipt_key and not run.only_now and not plan.failed:
        receipt.write(store, receipt_key, plan, run.keys, _watched(plan, files))
    built = _collect(plan, store, run.results, overrides)
    last.remember(built)
    return built


def without_failed(plan: Plan, run: Run) -> Plan:
    """The plan of all artifacts but those that a failed step cost."""
    return make_plan(
        plan.config, plan.searches, browsers=plan.browsers, failed=plan.lost(run.failures)
    )


def _unchanged_results(
    before: Plan, after: Plan, results: Mapping[str, Result]
) -> dict[str, Result]:
    """The results of nodes that are the same in both plans, with all that comes before them."""
    unchanged: dict[str, Result] = {}
    for node in after.nodes.values():
        is_same = node == before.nodes.get(node.id)
        if is_same and node.id in results and all(need in unchanged for need in node.needs()):
            unchanged[node.id] = results[node.id]
    return unchanged


def _watched(plan: Plan, files: Mapping[str, Mapping[str, Path]]) -> list[Path]:
    """Files outside of the store that decide a build: its inputs, its lock, its browser."""
    from pipeline.download import lock as weights_lock

    watched = {path for named in files.values() for path in named.values()}
    watched |= {Path(name) for node in plan.nodes.values() for name in node.watched}
    if plan.config.region:
        watched.add(plan.config.region.detector)
    config = plan.config.path
    if config and weights_lock.lock_path(config).exists():
        watched.add(weights_lock.lock_path(config))
    return sorted(watched)


def read_build(plan: Plan, store: Store, overrides: Sequence[str] = ()) -> Built:
    """What the store holds of everything that a plan makes.

    Args:
        overrides: what the command line said besides the config.

    Raises:
        ConfigError: something is not there yet.
    """
    for name in plan.searches.unknown:
        raise ConfigError(
            f"the store does not hold what the search for the variant {name} found",
            todo="run `pipeline build` or `pipeline validate` first",
        )
    return _collect(plan, store, stored_results(plan, store), overrides)


def _collect(
    plan: Plan, store: Store, results: Mapping[str, Result], overrides: Sequence[str]
) -> Built:
    manifest = json.loads(store.read(results["manifest"], MANIFEST))
    artifacts = {artifact.id: results[artifact.node] for artifact in plan.artifacts}
    left_out = {left.id: left.reason for left in plan.left_out}
    options = plan.config.publish
    evidence = {name: results[node] for name, node in plan.evidence().items()}
    command = last.command_of(plan.config.path, overrides)
    to, channel = options.to, options.channel
    return Built(manifest, artifacts, left_out, store, to, channel, evidence, command)
