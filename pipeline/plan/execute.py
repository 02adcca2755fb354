"""A plan, run: what comes from outside is fetched, then every step is stored or made."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.graph import Node
from pipeline.engine.schedule import Lanes, Run
from pipeline.engine.step import Lane
from pipeline.engine.store import Result, Store, touch
from pipeline.engine.watch import OnProgress, Silent, Watch
from pipeline.plan import Plan


def results(plan: Plan, store: Store, lanes: Lanes, watch: Watch) -> dict[str, Result]:
    """The result of every step of a plan: stored, or made in ``lanes``."""
    return run(plan, store, lanes, watch).results


def stored_results(plan: Plan, store: Store) -> dict[str, Result]:
    """The result of every step of a plan, none of which is made.

    Raises:
        ConfigError: the store lacks one.
    """
    return results(plan, store, NoLanes(), Silent())


def run(plan: Plan, store: Store, lanes: Lanes, watch: Watch) -> Run:
    """A finished pass over a plan: its results, and the keys under which they are stored."""
    finished = Run(plan, store, lanes, fetch_files(plan, store, watch.on_progress), watch)
    finished.all()
    return finished


class NoLanes:
    """Refuses to run anything."""

    elsewhere = False

    def submit(
        self,
        lane: Lane,
        function: Callable[..., Any],
        *args: Any,
        on_progress: OnProgress,
        here: bool = False,
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


def fetch_files(plan: Plan, store: Store, on_progress: OnProgress) -> dict[str, dict[str, Path]]:
    """What comes from outside, by node and input: local files as they are, remote ones fetched.

    The digests of downloads are kept in a ``.lock`` beside the config's file.
    """
    files: dict[str, dict[str, Path]] = {}
    for node in plan.nodes.values():
        for name, file in node.files.items():
            path = (
                _fetch(file, node, plan.config.path, store, on_progress)
                if isinstance(file, RemoteFile)
                else file
            )
            files.setdefault(node.id, {})[name] = path
    return files


def _fetch(
    remote: RemoteFile, node: Node, config_path: Path | None, store: Store, on_progress: OnProgress
) -> Path:
    """Download a file, or find it in the store; its digest is checked or recorded."""
    from pipeline.download import lock as weights_lock
    from pipeline.download.address import hide_secrets
    from pipeline.download.fetch import fetch

    locked_digests = weights_lock.read(config_path) if config_path else {}
    trusted_first = remote.sha256 is None
    locked = weights_lock.key(remote.url)
    if trusted_first and config_path and locked in locked_digests:
        lock = str(weights_lock.lock_path(config_path))
        remote = replace(remote, sha256=locked_digests[locked].sha256, sha256_from=lock)

    def progress(received: int, total: int | None) -> None:
        share = received / total if total else 0.0
        on_progress(share, f"{node.id}: {received / 1e6:.1f} MB of {hide_secrets(remote.url)}", "")

    local = fetch(remote, store.root / "downloads", progress=progress)
    if trusted_first and config_path and remote.sha256 is None:
        digest = weights_lock.Digest(local.sha256, local.bytes)
        weights_lock.record(config_path, remote.url, digest)
    touch(local.path)
    return local.path
