"""Several configs, made at once on the workers of a cluster."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.backends.elsewhere import TargetFacts, planned_for
from pipeline.build.batch import in_config, load_all, require_places, resolve_searches
from pipeline.build.make import make_build
from pipeline.engine.lanes.cluster.connect import connect
from pipeline.search.watch import SilentSearch

if TYPE_CHECKING:
    from pipeline.build.progress import Progress
    from pipeline.build.result import Built
    from pipeline.engine.graph import Node
    from pipeline.engine.lanes.cluster.members import Member
    from pipeline.engine.store import Store
    from pipeline.engine.watch import State
    from pipeline.search.trial import Job
    from pipeline.search.watch import TrialWatch

#: Builds under way for each worker: the steps of one come one after another.
BUILDS_PER_WORKER = 4
FEWEST_BUILDS = 8


def build_on(
    scheduler: str,
    paths: Sequence[Path],
    overrides: Sequence[str],
    store: Store,
    progress: Progress,
    *,
    browsers: bool = True,
    publishes: bool = False,
) -> Generator[Callable[[], Built], None, None]:
    """Each config's build, to be called in order; all are made meanwhile.

    What a plan asks of its machine, such as which browsers there are, is asked of the workers.

    Raises:
        PipelineError: a config is wrong, no scheduler answers, or none of its workers fits.
    """
    with store.in_use(), connect(scheduler, store) as (lanes, members):
        for name, why in members.refused.items():
            progress.note(f"the worker {name} is refused: {why}")
        with planned_for(map(_facts, members.accepted)):
            loaded = load_all(paths, overrides, browsers)
            if publishes:
                require_places(loaded.values())

            def build(path: Path) -> Built:
                told = _Named(progress, path.stem if len(paths) > 1 else "")
                with in_config(path, overrides):
                    plan = resolve_searches(loaded[path], store, lanes, told)
                for note in plan.notes:
                    told.note(note)
                return make_build(plan, store, lanes, told, overrides=overrides)

            builds = max(FEWEST_BUILDS, BUILDS_PER_WORKER * len(members.accepted))
            pool = ThreadPoolExecutor(builds, "build")
            try:
                made = deque(pool.submit(build, path) for path in paths)
                while made:  # One is let go once it was handed out: thousands may follow.
                    yield made.popleft().result
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _facts(member: Member) -> list[TargetFacts]:
    return [TargetFacts(**facts) for facts in member.facts["targets"]]


@dataclass
class _Named:
    """Tells of steps with the name of their config, one at a time.

    There is no moving line: what is published meanwhile has one of its own.
    """

    progress: Progress
    name: str

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        if state != "start":
            named = replace(node, id=f"{self.name} {node.id}".strip())
            with _one_at_a_time:
                self.progress.on_event(state, named, seconds)

    def on_progress(self, fraction: float, note: str, lane: str) -> None:
        return

    def note(self, text: str) -> None:
        with _one_at_a_time:
            self.progress.note(f"{self.name}: {text}".removeprefix(": "))

    def stored(self, steps: list[str]) -> None:
        self.progress.stored(steps)

    def of(self, total: int, nodes: Collection[Node] = ()) -> AbstractContextManager[None]:
        return nullcontext()

    def search(self, job: Job) -> AbstractContextManager[TrialWatch]:
        return nullcontext(SilentSearch())


_one_at_a_time = threading.Lock()
