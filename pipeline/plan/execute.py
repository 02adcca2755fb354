"""A plan, run: what comes from outside is fetched, then every step is stored or made."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigError
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.graph import Node
from pipeline.engine.schedule import Lanes, OnEvent, Run
from pipeline.engine.step import Lane
from pipeline.engine.store import Result, Store, touch
from pipeline.plan import Plan

if TYPE_CHECKING:
    pass


#: Called with the share done of a lane's step, a note and the lane; a download has no lane.
OnProgress = Callable[[float, str, Lane], None]


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
    from pipeline.download import lock as weights_lock
    from pipeline.download.address import shown
    from pipeline.download.fetch import fetch

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
