"""The main job: plan, fetch, run, judge, publish."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import last, receipt
from pipeline.built import Built
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.fetch import RemoteFile
from pipeline.plan import Node, Plan, make_plan
from pipeline.run import Lanes, OnEvent, Run, State
from pipeline.step import Lane
from pipeline.store import Result, Store, touch

if TYPE_CHECKING:
    from pipeline.executors.local import LocalLanes
    from pipeline.publish.release import Release

#: Called with the share done of a lane's step, a note and the lane; a download has no lane.
OnProgress = Callable[[float, str, Lane], None]


def build(
    config: Config,
    *,
    store: Path = Path("artifacts/store"),
    sign_key: Path | None = None,
    sign_keyless: bool = False,
    allow_incomplete: bool = False,
) -> Release:
    """Make, prove and publish everything that ``config`` asks for.

    Args:
        config: from ``load_config``.
        store: the folder of the content-addressed store.
        sign_key: sign the release with this private key; its password, if it has one, is in the
            environment variable PIPELINE_SIGN_PASSWORD.
        sign_keyless: sign it as the CI job that this is, with Sigstore.
        allow_incomplete: publish the others where some artifacts could not be made.

    Returns:
        The release: its id, folder and manifest with every artifact and verdict.

    Raises:
        PipelineError: of the kinds in ``pipeline.errors``; nothing was half published.
    """
    from pipeline.built import judge, publish
    from pipeline.executors.local import LocalLanes
    from pipeline.publish import storage
    from pipeline.publish.signature import signer
    from pipeline.search.resolve import search_all

    storage.require(config.publish.to)
    signs = signer(sign_key, keyless=sign_keyless)
    place = Store(store)
    with place.in_use(), LocalLanes(store / "logs") as lanes:
        found = search_all(config, place, lanes, None)
        built = make(make_plan(found), config.path, place, lanes)
        built = replace(built, command=last.command(config.path))
        last.remember(built)
        judge(built, whole=not allow_incomplete)
        return publish(built, signs)


def make(
    plan: Plan,
    config_path: Path | None,
    store: Store,
    lanes: LocalLanes,
    *,
    receipt_key: str | None = None,
    on_event: OnEvent = lambda state, node, seconds: None,
    on_progress: OnProgress = lambda fraction, note, lane: None,
) -> Built:
    """Bring the store to hold everything that a plan makes.

    Args:
        config_path: the config's file; a ``.lock`` beside it records digests of downloads.
        lanes: where steps run; several plans may share them, and so one import of TensorFlow.
        receipt_key: where to leave a receipt, for the next build to see that it is the same.

    Raises:
        PipelineError: of any kind, where no artifact came of it; finished steps are kept.
    """
    lanes.on_progress = on_progress
    files = _files(plan, config_path, store, on_progress)
    run = Run(plan, store, lanes, files, on_event)
    run.all(plan.is_hopeless)
    while run.failures:
        smaller = _without_failed(plan, run)
        known = _same(plan, smaller, run.results)
        run = Run(smaller, store, lanes, files, _but_stored(on_event), known=known)
        plan = smaller
        run.all(plan.is_hopeless)
    lanes.on_progress = lambda fraction, note, lane: None
    # What failed is tried again by the next build, which therefore has something to do.
    if receipt_key and not run.only_now and not plan.failed:
        receipt.write(store, receipt_key, plan, run.keys, _watched(plan, config_path, files))
    return _built(plan, store, run.results)


def _without_failed(plan: Plan, run: Run) -> Plan:
    """The plan of all artifacts but those that a failed step cost."""
    return make_plan(plan.config, browsers=plan.browsers, failed=plan.lost(run.failures))


def _but_stored(on_event: OnEvent) -> OnEvent:
    """What a second pass has to tell: most that it finds in the store, the first has just made."""

    def tell(state: State, node: Node, seconds: float) -> None:
        if state != "stored":
            on_event(state, node, seconds)

    return tell


def _same(before: Plan, after: Plan, results: Mapping[str, Result]) -> dict[str, Result]:
    """The results of nodes that are the same in both plans, with all that comes before them."""
    same: dict[str, Result] = {}
    for node in after.nodes.values():
        unchanged = node == before.nodes.get(node.id) and all(need in same for need in node.needs())
        if unchanged and node.id in results:
            same[node.id] = results[node.id]
    return same


def _watched(
    plan: Plan, config_path: Path | None, files: Mapping[str, Mapping[str, Path]]
) -> list[Path]:
    """Files outside of the store that decide a build: its inputs, its lock, its browser."""
    from pipeline import weights_lock

    watched = {path for named in files.values() for path in named.values()}
    watched |= {Path(name) for node in plan.nodes.values() for name in node.watched}
    if config_path and weights_lock.lock_path(config_path).exists():
        watched.add(weights_lock.lock_path(config_path))
    return sorted(watched)


def stored(
    plan: Plan, config_path: Path | None, store: Store, overrides: Sequence[str] = ()
) -> Built:
    """What the store holds of everything that a plan makes.

    Args:
        overrides: what the command line said besides the config.

    Raises:
        ConfigError: something is not there yet.
    """
    for name in plan.unsearched:
        raise ConfigError(
            f"the store does not hold what the search for the variant {name} found",
            todo="run `pipeline build` or `pipeline validate` first",
        )
    built = _built(plan, store, results(plan, config_path, store, NoLanes()))
    return replace(built, command=last.command(config_path, overrides))


def results(
    plan: Plan,
    config_path: Path | None,
    store: Store,
    lanes: Lanes,
    on_event: OnEvent = lambda state, node, seconds: None,
) -> dict[str, Result]:
    """The result of every step of a plan: stored, or made in ``lanes``."""
    return run(plan, config_path, store, lanes, on_event).results


def run(plan: Plan, config_path: Path | None, store: Store, lanes: Lanes, on_event: OnEvent) -> Run:
    """A finished pass over a plan: its results, and the keys under which they are stored."""
    files = _files(plan, config_path, store, lambda fraction, note, lane: None)
    done = Run(plan, store, lanes, files, on_event)
    done.all()
    return done


class NoLanes:
    """Refuses to run anything."""

    def submit(
        self, lane: Lane, function: Callable[..., Any], *args: Any, here: bool = False
    ) -> Future[Any]:
        raise ConfigError(
            f"the store does not hold the result of “{args[0].label}”",
            todo="run `pipeline build` or `pipeline validate` first",
        )

    def exit_code(self, lane: Lane) -> int | None:
        return None

    def warm(self, lane: Lane, tools: Collection[str] = ()) -> None:
        return

    def quiet(self) -> None:
        return

    def go_on(self) -> None:
        return


def _built(plan: Plan, store: Store, results: Mapping[str, Result]) -> Built:
    manifest = json.loads(store.read(results["manifest"], "manifest.json"))
    artifacts = {artifact.id: results[artifact.node] for artifact in plan.artifacts}
    left_out = {left.id: left.reason for left in plan.left_out}
    options = plan.config.publish
    evidence = {name: results[node] for name, node in plan.evidence().items()}
    return Built(manifest, artifacts, left_out, store, options.to, options.channel, evidence)


def _files(
    plan: Plan, config_path: Path | None, store: Store, on_progress: OnProgress
) -> dict[str, dict[str, Path]]:
    """What comes from outside: local files as they are, remote ones fetched first."""
    found: dict[str, dict[str, Path]] = {}
    for node in plan.nodes.values():
        for name, file in node.files.items():
            path = (
                _fetched(file, node, config_path, store, on_progress)
                if isinstance(file, RemoteFile)
                else file
            )
            found.setdefault(node.id, {})[name] = path
    return found


def _fetched(
    remote: RemoteFile, node: Node, config_path: Path | None, store: Store, on_progress: OnProgress
) -> Path:
    """Download a file, or find it in the store; its digest is checked or recorded."""
    from pipeline import weights_lock
    from pipeline.fetch import fetch
    from pipeline.transfer import shown

    known = weights_lock.read(config_path) if config_path else {}
    trusted_first = remote.sha256 is None
    locked = weights_lock.key(remote.url)
    if trusted_first and config_path and locked in known:
        lock = str(weights_lock.lock_path(config_path))
        remote = replace(remote, sha256=known[locked].sha256, sha256_from=lock)

    def progress(received: int, total: int | None) -> None:
        share = received / total if total else 0.0
        on_progress(share, f"{node.id}: {received / 1e6:.1f} MB of {shown(remote.url)}", "")

    local = fetch(remote, store.root / "downloads", progress=progress)
    if trusted_first and config_path and remote.sha256 is None:
        digest = weights_lock.Digest(local.sha256, local.bytes)
        weights_lock.record(config_path, remote.url, digest)
    touch(local.path)
    return local.path
