"""Turns variants that ask for a search into plain ones, before the ordinary plan."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from pipeline.backends.targets import Target, list_targets, parse
from pipeline.base.errors import ConfigError, GateError, MissingToolError
from pipeline.config.change import choose_formats, exports_without, merge_gates, parse_variants
from pipeline.config.config import Config
from pipeline.config.search import Search
from pipeline.measures import words
from pipeline.plan.graph import Searches
from pipeline.search.outcome import Outcome
from pipeline.search.trial import Job

if TYPE_CHECKING:
    from pipeline.engine.schedule import Lanes
    from pipeline.engine.store import Store
    from pipeline.search.watch import Screen

#: Finds what a job is to find; ``None`` where that is not known yet.
Find = Callable[[Job], Outcome | None]


def jobs(config: Config) -> list[Job]:
    """The searches that a config asks for.

    Raises:
        ConfigError: one could not be done.
    """
    named = {
        name: variant.search
        for name, variant in config.variants.items()
        if variant.search is not None
    }
    return [_job(config, name, search) for name, search in named.items()]


def _job(config: Config, name: str, search: Search) -> Job:
    where = f"variants.{name}.search"
    formats = _formats(config, name, search, where)
    targets = tuple(dict.fromkeys(_target(config, format_name, search) for format_name in formats))
    fixed = config.variants[name].written()
    fixed.pop("search")
    job = Job(config, name, search, fixed, formats, targets)
    from pipeline.search.run import space_of

    _check_half(job, where)
    if not space_of(job).techniques:
        held = ", ".join(formats)
        raise ConfigError(
            f"no technique is left to try in {held}",
            where=where,
            todo="name other techniques or formats, or leave some out of the variant",
        )
    return job


def _check_half(job: Job, where: str) -> None:
    """Refuse a bound that nothing will measure, before anything is tried."""
    from pipeline.validate.half import FLOAT32

    places = {target.id for target in parse(job.config.validate_.backends)}
    measured = FLOAT32.id in places and all(map(FLOAT32.runs, job.formats))
    if job.search.keep.get("half_precision") and not measured:
        raise ConfigError(
            f"keep.half_precision is not measured in {', '.join(job.formats)}: "
            "nothing runs it in float16",
            where=where,
            todo=f"search TF.js formats only, with {FLOAT32.backend} in validate.backends",
        )


def _formats(config: Config, name: str, search: Search, where: str) -> tuple[str, ...]:
    exported = [
        format_
        for format_, options in config.export.formats()
        if options.variants is None or name in options.variants
    ]
    names = [format_.name for format_ in exported]
    if not names:
        raise ConfigError(
            f"{name} is exported to no format", where=where, todo="name it in a format's variants"
        )
    if unknown := sorted(set(search.format or ()) - set(names)):
        raise ConfigError(
            f"{', '.join(unknown)} is not exported", where=where, todo="add it to export"
        )
    graphs = [f.name for f in exported if f.made_of != "keras"]
    formats = search.format or graphs or names
    if search.on is not None:
        (target,) = parse([search.on])
        able = [format_name for format_name in formats if target.runs(format_name)]
        if not able or (search.format and able != formats):
            raise ConfigError(f"{search.on} does not run {', '.join(formats)}", where=where)
        formats = able
    return tuple(formats)


def _target(config: Config, format_name: str, search: Search) -> str:
    """Where a format is measured: what is quick to ask, and here."""
    if search.on is not None:
        return parse([search.on])[0].id
    able = [
        target
        for target in (*parse(config.validate_.backends), *list_targets())
        if target.runs(format_name)
    ]
    return min(able, key=_slowness).id


def _slowness(target: Target) -> tuple[bool, bool, bool]:
    gpu = target.definition.gpu or target.definition.extra
    return gpu, target.unavailable() is not None, target.engine is not None


def settle(config: Config, find: Find) -> tuple[Config, Searches]:
    """A config without searches, and what became of them.

    A variant of which nothing is known yet stands there as what is fixed of it.

    Raises:
        ConfigError: a search could not be done.
        GateError: nothing that was tried keeps the bounds.
    """
    outcomes = [(job, find(job)) for job in jobs(config)]
    for job, outcome in outcomes:
        config = _settle(config, job, outcome)
    return config, Searches(
        {job.variant: outcome.to_json() for job, outcome in outcomes if outcome},
        {job.variant: _describe(job) for job, outcome in outcomes if not outcome},
    )


def _settle(config: Config, job: Job, outcome: Outcome | None) -> Config:
    """A config with what was found for a variant in the place of its search."""
    if outcome and not outcome.best:
        raise _no_candidate_error(outcome)
    recipe = outcome.best.recipe if outcome and outcome.best else job.fixed
    variants = {**config.variants, **parse_variants(config, {job.variant: recipe})}
    exported = {format_.name: options.variants for format_, options in config.export.formats()}
    exported |= exports_without(config, job.variant, job.formats)
    changes = {"variants": variants, "export": choose_formats(config, exported)}
    if outcome:
        gates = merge_gates(config.validate_.gates, job.gates)
        changes["validate_"] = config.validate_.model_copy(update={"gates": gates})
    return config.model_copy(update=changes)


def _describe(job: Job) -> str:
    what, where = job.search.minimize.replace("_", " "), ", ".join(job.targets)
    return (
        f"a search of at most {job.search.minutes:g} minutes for the least {what} in "
        f"{', '.join(job.formats)}, measured on {where}"
    )


def _no_candidate_error(outcome: Outcome) -> GateError:
    from pipeline.search.text import flow, gives

    lines = [
        f"  {flow(trial.recipe)}: {gives(outcome, trial)}; "
        + "; ".join(str(miss) for miss in trial.misses())
        for trial in outcome.nearest()
    ]
    head = (
        f"of {words.count(len(outcome.trials), 'candidate')} none keeps the bounds on "
        f"{words.count(outcome.held_back, 'held-back sample')}; the nearest:"
    )
    return GateError(
        "\n".join([head, *lines]),
        where=f"variants.{outcome.variant}.search",
        todo="nothing was published; loosen a bound, or give the search more minutes",
    )


def search_all(
    config: Config,
    store: Store,
    lanes: Lanes,
    screen: Screen | None,
    *,
    browsers: bool = True,
) -> tuple[Config, Searches]:
    """A config without searches, and what they found: what is not known is searched now."""
    from pipeline.search.run import Searching, stopping
    from pipeline.search.watch import SilentSearch

    def find(job: Job) -> Outcome:
        _check_browsers(job, browsers)
        shown = screen.search(job) if screen else nullcontext(SilentSearch())
        with stopping(), shown as watch:
            outcome = Searching(job, store, lanes, watch).find()
            watch.found(outcome)
            return outcome

    return settle(config, find)


def _check_browsers(job: Job, browsers: bool) -> None:
    needed = [target.id for target in parse(job.targets) if target.engine]
    if needed and not browsers:
        raise MissingToolError(
            f"it measures on {', '.join(needed)}, and browsers were left out",
            where=f"variants.{job.variant}.search",
            todo="search `on` a backend that needs none, or build without --no-browsers",
        )


def settle_from_store(config: Config, store: Store | None) -> tuple[Config, Searches]:
    """A config without searches as far as the store knows what they found."""
    from pipeline.plan.execute import NoLanes
    from pipeline.search.run import Searching, done_key, stopping
    from pipeline.search.watch import SilentSearch

    def find(job: Job) -> Outcome | None:
        if store is None or store.result(done_key(job)) is None:
            return None
        try:
            with stopping():
                outcome = Searching(job, store, NoLanes(), SilentSearch()).recall()
        except ConfigError:
            return None  # not even float32 was measured
        return outcome if outcome and outcome.best else None

    return settle(config, find)
