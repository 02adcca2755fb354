"""In which order recipes are tried: cheap before dear, one technique at a time before combinations.

At each cost, every technique that is new there is first added to the best recipe so far, which
tells what each does alone; then a tree-structured Parzen estimator (Bergstra et al. 2011; with
constraints as in Watanabe and Hutter 2023, arXiv:2211.14411), Optuna's, chooses combinations from
what was measured until nothing better comes. What was trained briefly and came near the bounds is
trained longer, as in successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943). The same
seed and the same measurements give the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.config.change import Recipe
from pipeline.search.outcome import Trial, base_of, best_of
from pipeline.search.space import (
    TRAINED,
    WEIGHTS,
    Space,
    alternatives,
    are_numbers,
    key_of,
)

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial as Asked

#: Up to which share of the time each cost may take it.
UNTIL = (1.0, 0.35, 0.7, 1.0)

#: Combinations without a better one before it goes on to what is dearer; before it ends.
PATIENCE, LAST_PATIENCE = 6, 20

#: Proposals that were tried before, or that no format holds, before a cost is done.
REPEATS = 40

#: Optuna draws at random until there are as many measurements.
RANDOM = 6


def proposals(
    space: Space, seed: int, trials: Sequence[Trial], spent: Callable[[], float]
) -> Iterator[Recipe]:
    """Recipes to try; ``trials`` must hold the result of each before the next is asked for.

    Args:
        space: what may be tried; it may come to refuse what there is no time for.
        spent: the share of the time that is over.
    """
    costs = sorted({offer.cost for offer in space.techniques} | {WEIGHTS})
    # Training long is worth it only of what training briefly has shown.
    costs += [TRAINED] if costs[-1] == TRAINED - 1 else []
    yield {}
    for cost in costs:
        last = cost == costs[-1]
        for recipe in _of_cost(space, cost, seed, trials, LAST_PATIENCE if last else PATIENCE):
            if not last and spent() >= UNTIL[cost]:
                break
            yield recipe


def _of_cost(
    space: Space, cost: int, seed: int, trials: Sequence[Trial], patience: int
) -> Iterator[Recipe]:
    yield from _one_by_one(space, cost, trials)
    if cost == TRAINED:
        yield from _longer(space, trials)
    yield from _patient(_combine(space, cost, seed, trials), trials, patience)


def _patient(recipes: Iterator[Recipe], trials: Sequence[Trial], patience: int) -> Iterator[Recipe]:
    """Until so many in a row were no better than what was there."""
    fruitless = 0
    for recipe in recipes:
        before = best_of(trials)
        yield recipe
        fruitless = 0 if best_of(trials) is not before else fruitless + 1
        if fruitless >= patience:
            return


def _one_by_one(space: Space, cost: int, trials: Sequence[Trial]) -> Iterator[Recipe]:
    """Each technique that is new at this cost, added to the best recipe at that time."""
    for technique in space.techniques:
        if technique.cost == cost:
            # At first all that is cheap; later, one of each, and the rest in combinations.
            every = list(alternatives(technique, cost))
            for added in every if cost == WEIGHTS else every[:1]:
                base = base_of(trials)
                recipe = {**(_without_fixed(space, base) if base else {}), **added}
                if _is_new(space, recipe, trials):
                    yield recipe


def _longer(space: Space, trials: Sequence[Trial]) -> Iterator[Recipe]:
    """What would be better than the best if it kept the bounds, trained longer.

    What misses the bounds by least comes first.
    """
    while True:
        recipe = next((r for r in _worth_longer(space, trials) if _is_new(space, r, trials)), None)
        if recipe is None:
            return
        yield recipe


def _worth_longer(space: Space, trials: Sequence[Trial]) -> Iterator[Recipe]:
    best = best_of(trials)
    bound = float("inf") if best is None or best.value is None else best.value
    worth = [
        trial
        for trial in trials
        if trial.missed and trial.value is not None and trial.value < bound
    ]
    for trial in sorted(worth, key=lambda trial: trial.shortfall):
        if longer := space.longer(_without_fixed(space, trial)):
            yield longer


def _combine(space: Space, cost: int, seed: int, trials: Sequence[Trial]) -> Iterator[Recipe]:
    """What Optuna makes of the measurements."""
    if not space.within(cost):
        return
    study = _study(seed + cost)
    for trial in trials:
        _tell(study, _asked_again(study, space, cost, trial), trial)
    repeats = 0
    while repeats < REPEATS:
        asked = study.ask()
        recipe = space.suggest(cost, _suggest(asked))
        repeats += 1
        if measured := _find_trial(space, recipe, trials):
            _tell(study, asked, measured)
        elif not space.allows(recipe):
            study.tell(asked, state=_fail_state())
        else:
            yield recipe
            _tell(study, asked, trials[-1])
            repeats = 0


def _without_fixed(space: Space, trial: Trial) -> Recipe:
    """A recipe without what is fixed."""
    return {key: value for key, value in trial.recipe.items() if key not in space.fixed}


def _is_new(space: Space, recipe: Recipe, trials: Sequence[Trial]) -> bool:
    return not _find_trial(space, recipe, trials) and space.allows(recipe)


def _find_trial(space: Space, recipe: Recipe, trials: Sequence[Trial]) -> Trial | None:
    key = key_of(space.complete(recipe))
    return next((trial for trial in trials if key_of(trial.recipe) == key), None)


def _study(seed: int) -> Study:
    import warnings

    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # group is experimental
        # Offers that work together must be chosen together.
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=RANDOM, multivariate=True, group=True
        )
    # One objective and the bounds as a constraint: with quality as another one it looks for all of
    # the front, and few trials are left for what was asked for.
    return optuna.create_study(direction="minimize", sampler=sampler)


def _suggest(asked: Asked) -> Callable[[str, Sequence[Any]], Any]:
    """Numbers by their rank, so that neighbours are known to be alike; all else as categories."""

    def suggest(name: str, values: Sequence[Any]) -> Any:
        if len(values) == 1:
            return values[0]
        if are_numbers(values):
            return sorted(values)[asked.suggest_int(name, 0, len(values) - 1)]
        return asked.suggest_categorical(name, list(values))

    return suggest


def _asked_again(study: Study, space: Space, cost: int, trial: Trial) -> Asked:
    """An open trial of this study with the choices of a recipe that was measured before."""
    choices = space.choices_of(trial.recipe)
    fixed: dict[str, Any] = {}

    def note(name: str, values: Sequence[Any]) -> Any:
        # A brief training's epochs are the only ones there are at its cost.
        value = choices.get(name, values[0])
        value = value if value in values else values[0]
        if len(values) > 1:
            fixed[name] = sorted(values).index(value) if are_numbers(values) else value
        return value

    space.suggest(cost, note)
    study.enqueue_trial(fixed)
    asked = study.ask()
    space.suggest(cost, _suggest(asked))
    return asked


def _tell(study: Study, asked: Asked, trial: Trial) -> None:
    if trial.value is None:
        study.tell(asked, state=_fail_state())
        return
    asked.set_constraint("bounds", trial.shortfall)
    study.tell(asked, trial.value)


def _fail_state() -> Any:
    from optuna.trial import TrialState

    return TrialState.FAIL
