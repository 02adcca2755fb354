"""Runs a graph: for each step, what the store has or what a lane makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol

from pipeline.base import tools
from pipeline.base.digest import Tree, digest, scan, tree_digest
from pipeline.base.errors import PipelineError, together
from pipeline.base.faults import explain, explain_kill
from pipeline.engine.call import StepCall, execute
from pipeline.engine.ended import LanesLostError, StepEndedError
from pipeline.engine.graph import Graph, Node
from pipeline.engine.step import BACKGROUND, Lane
from pipeline.engine.store import Result, Store, Taken
from pipeline.engine.watch import OnProgress, Watch


class Lanes(Protocol):
    """Where steps run: one ``concurrent.futures.Executor`` per lane."""

    @property
    def elsewhere(self) -> bool:
        """Whether steps run on other machines.

        They look themselves at what may run beside what, and record what was made.
        """

    def submit(
        self,
        lane: Lane,
        function: Callable[..., Any],
        *args: Any,
        on_progress: OnProgress,
        here: bool = False,
    ) -> Future[Any]:
        """Run ``function`` in the lane's process; if ``here``, in this one where it has none.

        Args:
            on_progress: is told what the lane reports, until it runs something else.
        """

    def exit_code(self, lane: Lane) -> int | None:
        """How the lane's process ended, where it was killed: ``-9`` is SIGKILL."""

    def warm(self, lane: Lane, tools: Collection[str] = ()) -> None:
        """Get ready for steps of this lane, which will come and use these distributions."""

    def quiet(self) -> None:
        """Wait for what is getting ready and hold the background: both would slow what is timed."""

    def go_on(self) -> None:
        """Let the background go on."""


class Run:
    """One pass over a graph."""

    def __init__(
        self,
        graph: Graph,
        store: Store,
        lanes: Lanes,
        files: Mapping[str, Mapping[str, Path]],
        watch: Watch,
        *,
        known: Mapping[str, Result] | None = None,
    ) -> None:
        """
        Args:
            known: results of an earlier pass, of nodes that are the same in this graph.
        """
        self._graph, self._store, self._lanes = graph, store, lanes
        self._files, self._watch = files, watch
        self._dependents = graph.dependents()
        self._running: dict[Future[Any], tuple[Node, str]] = {}
        self._warm: set[Lane] = set()
        self.results: dict[str, Result] = dict(known or {})
        self.failures: dict[str, PipelineError] = {}
        """Each node that failed, and why; what needs it has no result."""
        self.keys: dict[str, str] = {}
        """The key of every step whose inputs are known."""
        self.only_now = False
        """Whether a result is true of this build alone."""

    def all(self, is_hopeless: Callable[[Collection[str]], bool] = bool) -> dict[str, Result]:
        """Bring every node to a result but those that failed, and what needs them.

        Args:
            is_hopeless: whether nothing is worth being started any more, now that these nodes
                failed; by default that is so as soon as one did.

        Raises:
            PipelineError: it was hopeless: all that failed, once the steps running have ended, but
                for the background's; what was made until then is in the store.
        """
        waiting = {name: n for name, n in self._graph.nodes.items() if name not in self.results}
        while True:
            hopeless = is_hopeless(self.failures)
            if not hopeless:
                self._start_what_can(waiting)
            # What only publishing waits for is no reason to keep an error back.
            if all(hopeless and _lane(node) in BACKGROUND for node in self._now()):
                break
            if not any(node.function.alone for node in self._now()):
                self._lanes.go_on()
            self._collect()
        if is_hopeless(self.failures):
            raise together(list(self.failures.values()))
        return self.results

    def _start_what_can(self, waiting: dict[str, Node]) -> None:
        progressed = True
        while progressed:
            progressed = False
            for node in list(waiting.values()):
                if all(need in self.results for need in node.needs()) and self._try_start(node):
                    del waiting[node.id]
                    progressed = True

    def _try_start(self, node: Node) -> bool:
        """Take the node from the store, or start it unless it has to wait for quiet."""
        key = self._known_key(node)
        if (stored := self._store.result(key)) is not None:
            self.results[node.id] = stored
            self._watch.on_event("stored", node, stored.seconds)
            return True
        # Equal work of two variants is done once.
        if key in {k for _, k in self._running.values()}:
            return False
        if not self._lanes.elsewhere and not self._may_run_here(node):
            return False
        self._submit(node, key)
        return True

    def _may_run_here(self, node: Node) -> bool:
        """Whether it may run beside what runs now."""
        running = self._now()
        if any(other.function.alone for other in running):
            return False
        # One step a lane: what comes first in the graph does not wait for what was ready first.
        if _lane(node) in map(_lane, running):
            return False
        return not node.function.alone or not (
            any(map(_hinders, running)) or self._others_can_run()
        )

    def _now(self) -> list[Node]:
        return [node for node, _ in self._running.values()]

    def _others_can_run(self) -> bool:
        """Whether steps that take no timings are still to come; they go first."""
        running = {node.id for node in self._now()}
        return any(
            _hinders(other)
            and other.id not in self.results
            and other.id not in self.failures
            and all(need in self.results for need in other.needs())
            for other in self._graph.nodes.values()
            if other.id not in running
        )

    def _submit(self, node: Node, key: str) -> None:
        if not self._lanes.elsewhere:
            self._warm_up_after(node)
            if node.function.alone:
                self._lanes.quiet()
        call = StepCall(
            node.id,
            self._store.place,
            node.function.name,
            node.options.model_dump_json(by_alias=True, exclude_unset=True),
            {name: self._read(node, need) for name, need in node.inputs.items()},
            self._inputs_from_outside(node),
            key,
            node.machine,
        )
        self._watch.on_event("start", node, 0.0)
        try:
            here = node.function.quick and not self._running
            tell = self._watch.on_progress
            future = self._lanes.submit(_lane(node), execute, call, on_progress=tell, here=here)
        except BrokenProcessPool as error:
            self._fail(node, error)
            return
        self._running[future] = (node, key)

    def _inputs_from_outside(self, node: Node) -> Mapping[str, Path | Taken]:
        files = self._files.get(node.id, {})
        if not self._lanes.elsewhere:
            return files
        return {name: self._store.take(path) for name, path in files.items()}

    def _fail(self, node: Node, error: Exception) -> None:
        self._watch.on_event("failed", node, 0.0)
        if isinstance(error, LanesLostError):
            raise error
        if not isinstance(error, BrokenProcessPool):
            self.failures[node.id] = explain(error, node.id)
            return
        ended = (
            error.explain(node.id)
            if isinstance(error, StepEndedError)
            else explain_kill(error, node.id, self._lanes.exit_code(_lane(node)))
        )
        if node.function.if_killed is None:
            self.failures[node.id] = ended
            return
        with self._store.work_folder() as work:
            node.function.if_killed(node.options, ended, work)
            # Under no key: another run tries again.
            self.results[node.id] = self._store.add(work, 0.0)
        self.only_now = True

    def _warm_up_after(self, node: Node) -> None:
        """Start the processes of steps that come after this one and may have to run."""
        after = (self._graph.nodes[name] for name in self._dependents[node.id])
        cold = [other for other in after if _lane(other) not in self._warm]
        to_come = [n for n in cold if not n.function.quick and not self._is_stored(n)]
        for lane in sorted(set(map(_lane, to_come))):
            tools_used = {tool for n in to_come if _lane(n) == lane for tool in _tools(n)}
            self._warm.add(lane)
            self._lanes.warm(lane, tools_used)

    def _is_stored(self, node: Node) -> bool:
        """Whether a step is known not to run, perhaps before all that it comes after has."""
        if not all(need in self.results for need in node.inputs.values()):
            return False
        return self._store.result(self._known_key(node)) is not None

    def _read(self, node: Node, need: str) -> Tree:
        """What a node reads of another one's result."""
        tree = self.results[need].tree
        names = node.reads
        return {path: file for path, file in tree.items() if not names or _name(path) in names}

    def _collect(self) -> None:
        """Wait for a running step to end, and take its result or its error."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        for future in done:
            node, key = self._running.pop(future)
            try:
                tree, seconds, reusable = future.result()
            except Exception as error:
                self._fail(node, error)
                continue
            result = Result(tree, seconds)
            if reusable and not self._lanes.elsewhere:
                result = self._store.record_first(key, result)
            self.only_now |= not reusable
            self.results[node.id] = result
            self._watch.on_event("done", node, seconds)

    def _known_key(self, node: Node) -> str:
        # Once: a step that waits for its lane is asked again and again, and files are hashed.
        if node.id not in self.keys:
            self.keys[node.id] = self._key(node)
        return self.keys[node.id]

    def _key(self, node: Node) -> str:
        used = (tools.OURSELVES, *_tools(node))
        return digest(
            "step",
            node.function.name,
            node.function.version,
            node.options.key(),
            {name: self.results[need].digest for name, need in node.inputs.items()},
            {name: tree_digest(scan(path)) for name, path in self._files.get(node.id, {}).items()},
            {tool: tools.version(tool) for tool in used},
            node.extra_key,
        )


def _hinders(node: Node) -> bool:
    """Whether it comes before what is timed: neither that itself, nor in the background."""
    return not node.function.alone and _lane(node) not in BACKGROUND


def _tools(node: Node) -> tuple[str, ...]:
    return (*node.function.tools, *node.tools)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _lane(node: Node) -> Lane:
    return node.lane or node.function.lane
