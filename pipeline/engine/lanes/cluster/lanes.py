"""Runs steps on the workers of a Dask scheduler."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipeline.base.errors import PipelineError
from pipeline.base.faults import KEPT
from pipeline.engine.call import StepCall
from pipeline.engine.ended import LanesLostError, StepEndedError
from pipeline.engine.lanes.cluster.worker import Unrecorded, run_step
from pipeline.engine.step import BACKGROUND, Lane, find
from pipeline.engine.store import Place, Result
from pipeline.engine.watch import OnProgress

if TYPE_CHECKING:
    import distributed

    from pipeline.engine.lanes.cluster.members import Members

#: A step that so many workers did not outlive is not tried on another one.
MOST_WORKERS = 3
#: Seconds for which a step waits for a worker that has what it needs.
PATIENCE_S = 60.0
_LOOK_S = 2.0
#: No path of this machine travels: each worker has its own.
_NOWHERE = Place(Path())


@dataclass(eq=False)
class _Flight:
    """A step under way, for all who wait for it."""

    call: StepCall
    lane: Lane
    future: Future[Any] = field(default_factory=Future)
    died_on: tuple[str, ...] = ()
    """The workers that ended while they had it."""
    lacking_s: float = 0.0
    remote: distributed.Future | None = None

    @property
    def is_suspect(self) -> bool:
        return bool(self.died_on)


class ClusterLanes:
    """Lanes on other machines. Equal steps of several builds are one."""

    elsewhere = True

    def __init__(
        self, client: distributed.Client, members: Members, patience_s: float = PATIENCE_S
    ) -> None:
        self._client, self._members, self._patience_s = client, members, patience_s
        self._flights: dict[str, _Flight] = {}
        self._suspects: deque[_Flight] = deque()
        self._suspect: _Flight | None = None
        self._lock = threading.RLock()
        self._landing = ThreadPoolExecutor(8, "landing")
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def submit(
        self,
        lane: Lane,
        function: Callable[..., Any],
        *args: Any,
        on_progress: OnProgress,
        here: bool = False,
    ) -> Future[Any]:
        (call,) = args
        if self._over.is_set():
            raise self._lost()
        with self._lock:
            if standing := self._flights.get(call.key):
                return standing.future
            flight = _Flight(replace(call, store=_NOWHERE), lane)
            self._flights[call.key] = flight
        try:
            self._send(flight)
        except PipelineError:
            del self._flights[call.key]
            raise
        return flight.future

    def exit_code(self, lane: Lane) -> int | None:
        return None  # The error of the step says it.

    def warm(self, lane: Lane, tools: Collection[str] = ()) -> None:
        return

    def quiet(self) -> None:
        return

    def go_on(self) -> None:
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for flight in list(self._flights.values()):
            self._end(flight, self._lost())
        with suppress(Exception):  # the scheduler may be gone
            self._client.close()
        self._landing.shutdown(wait=False, cancel_futures=True)

    def _send(self, flight: _Flight) -> None:
        call = flight.call
        alone = find(call.step).alone or flight.is_suspect
        attempt = len(flight.died_on)
        try:
            flight.remote = self._client.submit(
                run_step,
                call,
                flight.lane,
                alone,
                key=(call.label.split()[0], call.key, attempt),
                resources=dict.fromkeys(self._members.needs(flight.lane, call.needs), 1),
                priority=-1 if flight.lane in BACKGROUND else 0,
            )
        except Exception as error:
            raise self._lost() from error
        flight.remote.add_done_callback(lambda remote: self._land_soon(flight, remote))

    def _land_soon(self, flight: _Flight, remote: distributed.Future) -> None:
        with suppress(RuntimeError):  # it is over
            self._landing.submit(self._land, flight, remote)

    def _land(self, flight: _Flight, remote: distributed.Future) -> None:
        from distributed import KilledWorker

        try:
            made: Result | Unrecorded = remote.result()
        except KilledWorker as killed:
            self._retry(flight, killed.last_worker.name)
        except CancelledError:
            self._end(flight, self._lost())
        except Exception as error:
            self._end(flight, error)
        else:
            self._end(flight, (made.tree, made.seconds, isinstance(made, Result)))

    def _end(self, flight: _Flight, outcome: Any) -> None:
        with self._lock:
            self._flights.pop(flight.call.key, None)
            flight.remote = None
            if flight is self._suspect:
                self._suspect = None
            if flight.future.done():
                return
            if isinstance(outcome, BaseException):
                flight.future.set_exception(outcome)
            else:
                flight.future.set_result(outcome)
        self._try_next_suspect()

    def _retry(self, flight: _Flight, worker: str) -> None:
        """Try again what was on a worker that ended.

        It may be innocent: others were there too. So suspects go one after another, each alone on
        its worker, until it is known which of them it was.
        """
        flight.died_on += (worker,)
        if len(flight.died_on) >= MOST_WORKERS:
            self._end(flight, StepEndedError(workers=flight.died_on))
            return
        with self._lock:
            if flight is self._suspect:
                self._suspect = None
            self._suspects.append(flight)
        self._try_next_suspect()

    def _try_next_suspect(self) -> None:
        with self._lock:
            if self._over.is_set() or self._suspect is not None or not self._suspects:
                return
            self._suspect = flight = self._suspects.popleft()
        try:
            self._send(flight)
        except PipelineError as error:
            self._end(flight, error)

    def _watch(self) -> None:
        """Give up what no worker can run any more."""
        while not self._over.wait(_LOOK_S):
            with suppress(Exception):  # without a scheduler all flights end by themselves
                self._members.look(self._client)
                self._give_up_what_lacks()

    def _give_up_what_lacks(self) -> None:
        for flight in list(self._flights.values()):
            needs = self._members.needs(flight.lane, flight.call.needs)
            if self._members.can(needs):
                flight.lacking_s = 0.0
                continue
            flight.lacking_s += _LOOK_S
            if flight.lacking_s >= self._patience_s:
                if flight.remote is not None:
                    flight.remote.cancel()
                self._end(flight, self._members.explain_lack(flight.call.label, needs))

    def _lost(self) -> LanesLostError:
        return LanesLostError(
            "the scheduler is gone",
            where=self._members.scheduler,
            todo=f"start it again with `pipeline scheduler`, and its workers, then run the same "
            f"command: {KEPT} in the store",
        )
