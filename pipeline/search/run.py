"""Tries candidates until the time is over, and keeps what each came to in the store.

The same search again takes every trial from the store, with the time that it took then; one that
was interrupted goes on where it was.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from statistics import fmean
from time import monotonic
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.samples_folder import Golden
from pipeline.base.digest import digest
from pipeline.base.errors import PipelineError
from pipeline.config.change import Recipe, exports_without
from pipeline.search import trial as trials_of
from pipeline.search.first import check_measured, epoch_seconds
from pipeline.search.order import proposals
from pipeline.search.outcome import RESULT, Outcome, Trial, best_of, from_json
from pipeline.search.space import (
    CALIBRATED,
    WEIGHTS,
    Space,
    offers,
    valid,
    version_of,
)
from pipeline.search.trial import Job, MeasuredTrial, plan_trial
from pipeline.search.watch import TrialWatch

if TYPE_CHECKING:
    from pipeline.engine.schedule import Lanes, Run
    from pipeline.engine.store import Store
    from pipeline.plan import Plan

#: Raise it when the same measurements would be judged otherwise.
VERSION = 2

#: Seconds that a trial is taken to need while none of its cost was timed.
FIRST_S = {WEIGHTS: 2.0, CALIBRATED: 5.0}
FIRST_TRAINED_S = 30.0

#: What no other candidate would fare better with: the disk is full, broken or not to be written.
NO_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


class Searching:
    """One search in a store, with or without lanes in which it may go on."""

    def __init__(self, job: Job, store: Store, lanes: Lanes, watch: TrialWatch) -> None:
        self._job, self._store, self._lanes, self._watch = job, store, lanes, watch
        self._began = monotonic()
        self.space = space_of(job)
        # What float32 needs has to be there before anything is known of what was tried.
        planned = plan_trial(job, job.fixed)
        self._base = self._run(planned.plan)
        self._epoch_s = epoch_seconds(job, MeasuredTrial(planned, self._base.results, store))
        self._key = self._search_key()

    def recall(self) -> Outcome | None:
        """What was found before."""
        record = self._read_record(self._outcome_key())
        return replace(from_json(record), **self._pins()) if record else None

    def find(self) -> Outcome:
        """Try candidates until the time is over or nothing better comes."""
        if (before := self.recall()) and before.settled:
            return before
        trials: list[Trial] = []
        stopped = self._try_all(trials)
        outcome = self._outcome(trials, stopped)
        for key in (self._outcome_key(), done_key(self._job)):
            self._record(key, outcome.to_json(), outcome.spent)
        return outcome

    def _try_all(self, trials: list[Trial]) -> str:
        budget = self._job.search.minutes * 60
        late: list[Recipe] = []

        def spent() -> float:
            return sum(trial.seconds for trial in trials)

        def in_time(recipe: Recipe) -> bool:
            fits = not trials or spent() + self._expected(recipe, trials) <= budget
            late.extend([] if fits else [recipe])
            return fits

        space = self.space.restrict(in_time)
        for proposal in proposals(space, self._job.search.seed, trials, lambda: spent() / budget):
            self._try(self._in_order(space.complete(proposal)), trials)
        if late:
            return (
                f"what else there was would have ended after {self._job.search.minutes:g} minutes"
            )
        return "nothing better came of more combinations"

    def _try(self, recipe: Recipe, trials: list[Trial]) -> None:
        """Add the trial of a recipe, from the store or made now."""
        number = len(trials) + 1
        self._watch.begin(number, recipe)
        key = self.trial_key(recipe)
        record = self._read_record(key)
        trial = Trial(**record) if record else self._measure(recipe, key)
        trials.append(trial)
        if number == 1:
            check_measured(self._job, trial)
        self._watch.end(number, trial, best_of(trials), sum(trial.seconds for trial in trials))

    def _in_order(self, recipe: Recipe) -> Recipe:
        """The same, in the order in which its techniques run."""
        return {technique.key: recipe[technique.key] for technique, _ in self._chain(recipe)}

    def trial_key(self, recipe: Recipe) -> str:
        """Under which a recipe's trial is kept."""
        versions = [version_of(technique) for technique, _ in self._chain(recipe)]
        return digest("search trial", self._key, recipe, versions)

    def _chain(self, recipe: Recipe) -> Any:
        return self._job.config_of(recipe).variants[self._job.variant].techniques()

    def _measure(self, recipe: Recipe, key: str) -> Trial:
        # Float32's time is that of all that comes before the first trial, too.
        began = monotonic() if recipe != self._job.fixed else self._began
        trial = trials_of.measure(self._job, recipe, self._run, self._store)
        trial = replace(trial, seconds=round(monotonic() - began, 2))
        if trial.lasting or not trial.error:
            self._record(key, asdict(trial), trial.seconds)
        return trial

    def _run(self, plan: Plan) -> Run:
        from pipeline.plan.execute import run

        try:
            return run(plan, self._store, self._lanes, self._watch)
        except PipelineError as error:
            # Nothing that a recipe could help; the next one would fail as well.
            cause = error.__cause__
            full = isinstance(cause, OSError) and cause.errno in NO_DISK
            if full or isinstance(cause, BrokenProcessPool):
                raise _StoppedError from error
            raise

    def _expected(self, recipe: Recipe, trials: Sequence[Trial]) -> float:
        """Seconds that a trial will take: as long as those like it, by the epochs of each.

        The larger of two means: what has the same techniques may have been in the store in part.
        """
        effort, cost = self.space.effort, self.space.cost(recipe)
        work = 1 + effort(recipe)
        likes = (
            [trial for trial in trials[1:] if trial.recipe.keys() == recipe.keys()],
            [trial for trial in trials[1:] if self.space.cost(trial.recipe) == cost],
        )
        means = [
            fmean(t.seconds * work / (1 + effort(t.recipe)) for t in alike)
            for alike in likes
            if alike
        ]
        first = max(FIRST_TRAINED_S, effort(recipe) * self._epoch_s)
        return max(means, default=FIRST_S.get(cost, first))

    def _search_key(self) -> str:
        """All that decides what a trial comes to, but its recipe."""
        search = self._job.search
        return digest(
            "search",
            VERSION,
            {"minimize": search.minimize, "keep": search.keep},
            self._job.config.validate_.gates,
            self._job.variant,
            self._job.formats,
            self._job.targets,
            self._base.keys,
        )

    def _outcome_key(self) -> str:
        search = self._job.search
        space = json.loads(json.dumps(self.space.describe(), default=str))
        return digest("search outcome", self._key, search.minutes, search.seed, space)

    def _outcome(self, trials: list[Trial], stopped: str) -> Outcome:
        search = self._job.search
        golden = json.loads(self._store.read(self._base.results["golden"], Golden.FACTS))
        return Outcome(
            variant=self._job.variant,
            minimize=search.minimize,
            formats=list(self._job.formats),
            targets=list(self._job.targets),
            keep=search.keep,
            minutes=search.minutes,
            held_back=golden["count"],
            trials=trials,
            stopped=stopped,
            seed=search.seed,
            **self._pins(),
        )

    def _pins(self) -> dict[str, Any]:
        """What pins an outcome besides its recipe, in the config as it is now."""
        others = exports_without(self._job.config, self._job.variant, self._job.formats)
        return {"gates": self._job.gates, "export": others}

    def _read_record(self, key: str) -> dict[str, Any] | None:
        result = self._store.result(key)
        if result is None:
            return None
        record: dict[str, Any] = json.loads(self._store.read(result, RESULT))
        return record

    def _record(self, key: str, content: Mapping[str, Any], seconds: float) -> None:
        with self._store.work_folder() as work:
            (work / RESULT).write_text(json.dumps(content))
            self._store.record(key, self._store.add(work, seconds))


class _StoppedError(Exception):
    """A process was killed, or the disk is full; the cause says it."""


@contextmanager
def stopping() -> Iterator[None]:
    """What ended a search, as a user should read it."""
    try:
        yield
    except _StoppedError as stopped:
        raise stopped.__cause__ or stopped from None


def done_key(job: Job) -> str:
    """Under which it is noted that a search of this config was done, whatever else it depends on.

    Nothing has to be fetched or run to know it.
    """
    written = job.config.written()
    about = {name: written.get(name) for name in ("source", "samples", "input", "task")}
    return digest("search done", about, job.variant, written["variants"][job.variant])


def space_of(job: Job) -> Space:
    """What may be tried for a search: what every searched format holds."""
    from pipeline.plan.choose import cannot_hold

    formats = [(f, o) for f, o in job.config.export.formats() if f.name in job.formats]

    def allows(recipe: Recipe) -> bool:
        config = job.config_of(recipe)
        chain = config.variants[job.variant].techniques()
        return not any(cannot_hold(config, chain, *target) for target in formats)

    def checked(recipe: Recipe) -> bool:
        return valid(partial(allows, recipe))

    return Space(
        offers(job.search.techniques, timed=job.search.minimize == "latency"),
        job.fixed,
        checked,
    )
