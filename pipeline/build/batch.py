"""Several configs, one command: what has a receipt is known, the rest is made side by side.

Loads nothing of a config, its type or its steps where receipts say that there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.base.errors import ConfigError
from pipeline.build import last, receipt

if TYPE_CHECKING:
    from pipeline.build.look import ExportablePlan
    from pipeline.build.progress import Progress
    from pipeline.build.result import Built
    from pipeline.config.config import Config
    from pipeline.engine.lanes.local import LocalLanes
    from pipeline.engine.schedule import Lanes
    from pipeline.engine.store import Store
    from pipeline.plan import Plan


class Loaded(NamedTuple):
    """A config as it was read, and what is planned of it before its searches are done."""

    config: Config
    plan: Plan


def plan_configs(
    paths: Sequence[Path], overrides: Sequence[str] = (), *, store: Store | None = None
) -> dict[Path, Plan]:
    """Plan every config.

    Args:
        store: may know what the searches of a config found; others are noted in the plan.

    Raises:
        ConfigError: with every error found in all of them.
    """
    return {path: loaded.plan for path, loaded in load_all(paths, overrides, True, store).items()}


def look_into(
    paths: Sequence[Path], overrides: Sequence[str], store: Store, progress: Progress
) -> Iterator[Callable[[], ExportablePlan]]:
    """Plan every config, and look into each one's model when it is called for.

    Raises:
        ConfigError: with every error found in all of them.
    """
    from pipeline.build.look import conversions, look

    with store.in_use(), _lanes(store, paths) as lanes:
        loaded = load_all(paths, overrides, True, store)
        if lanes is None:  # A config that is not there is refused by now: there are none.
            return

        def seen(path: Path) -> ExportablePlan:
            plan = loaded[path].plan
            graph = conversions(plan)
            with in_config(path, overrides), progress.of(len(graph.nodes)):
                return look(plan, graph, store, lanes, progress)

        yield from (partial(seen, path) for path in paths)


def load_all(
    paths: Sequence[Path], overrides: Sequence[str], browsers: bool, store: Store | None = None
) -> dict[Path, Loaded]:
    """Load and plan all, so that an error in the last one shows before the first one is built."""
    loaded, errors = {}, []
    for path in paths:
        try:
            loaded[path] = _load_one(path, overrides, browsers, store)
        except ConfigError as error:
            errors.append(error)
    if len(errors) > 1:
        raise ConfigError("\n".join(map(str, errors)))
    if errors:
        raise errors[0]
    return loaded


def _load_one(path: Path, overrides: Sequence[str], browsers: bool, store: Store | None) -> Loaded:
    from pipeline.config.file import load_config
    from pipeline.plan import make_plan

    config = load_config(path, overrides)
    with in_config(path, overrides):
        if not config.is_searched:
            return Loaded(config, make_plan(config, browsers=browsers))
        from pipeline.search.resolve import settle_from_store

        return Loaded(config, make_plan(*settle_from_store(config, store), browsers=browsers))


@contextmanager
def in_config(path: Path, overrides: Sequence[str]) -> Iterator[None]:
    """Name the place in the config in what is wrong with it."""
    try:
        yield
    except ConfigError as error:
        from pipeline.config.file import place

        where = f"{place(path, overrides, error.where)}: {error.where}".removesuffix(": ")
        raise ConfigError(error.what, where=where, todo=error.todo) from error


def build_configs(
    paths: Sequence[Path],
    overrides: Sequence[str],
    store: Store,
    progress: Progress,
    *,
    browsers: bool = True,
    publishes: bool = False,
) -> Generator[Callable[[], Built], None, None]:
    """Each config's build, to be called in order: as its receipt says that it still is, or made.

    A build that raises a ``PipelineError`` ends no other one; its finished steps are kept.

    Args:
        publishes: whether they are to be published: what that needs is looked for first.

    Raises:
        PipelineError: a config is wrong, or what all builds need is missing.
    """
    keys = {path: _key(path, overrides, browsers) for path in paths}
    receipts = {path: receipt.read(store, key) for path, key in keys.items() if key}
    unchanged = {path: built for path, built in receipts.items() if built}
    changed = [path for path in paths if path not in unchanged]

    with store.in_use(), _lanes(store, changed) as lanes:
        loaded = load_all(changed, overrides, browsers) if changed else {}
        if publishes:
            require_places(loaded.values())

        def build(path: Path) -> Built:
            if lanes is not None and path in loaded:
                from pipeline.build.make import make_build

                with in_config(path, overrides):
                    plan = resolve_searches(loaded[path], store, lanes, progress)
                for note in plan.notes:
                    progress.note(note)
                with progress.of(len(plan.nodes), plan.nodes.values()):
                    return make_build(
                        plan, store, lanes, progress, overrides=overrides, receipt_key=keys[path]
                    )
            built, steps = unchanged[path]
            progress.stored(list(steps))
            built = replace(built, command=last.command_of(path, overrides))
            last.remember(built)
            return built

        yield from (partial(build, path) for path in paths)


def resolve_searches(loaded: Loaded, store: Store, lanes: Lanes, progress: Progress) -> Plan:
    """The plan of a config, with what its searches find."""
    config, plan = loaded
    if not plan.searches.unknown:
        return plan
    from pipeline.plan import make_plan
    from pipeline.search.resolve import search_all

    browsers = plan.browsers
    settled = search_all(config, store, lanes, progress, browsers=browsers)
    return make_plan(*settled, browsers=browsers)


def require_places(loaded: Iterable[Loaded]) -> None:
    """Refuse, before a long build does its work, places that nothing can be published to."""
    from pipeline import storage

    for config, _ in loaded:
        storage.require(config.publish.to)


def _key(path: Path, overrides: Sequence[str], browsers: bool) -> str | None:
    """What a receipt would be under; ``None`` where the config cannot be read."""
    try:
        return receipt.receipt_key(path, overrides, browsers)
    except OSError:
        return None


@contextmanager
def _lanes(store: Store, changed: Sequence[Path]) -> Iterator[LocalLanes | None]:
    """Processes for all configs of a command.

    TensorFlow's starts while configs are still read, and has a core of its own until they are.
    """
    if not all(path.is_file() for path in changed) or not changed:
        yield None
        return
    from pipeline.engine.lanes.local import LocalLanes

    with LocalLanes(store.root / "logs") as lanes:
        if not store.has_results():
            lanes.warm("tensorflow")
        yield lanes
