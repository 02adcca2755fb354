"""The order of trials, on models whose bytes and accuracy a formula gives at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from nightly import nightly

from pipeline.search.order import proposals
from pipeline.search.outcome import Trial, best_of
from pipeline.search.space import (
    CALIBRATED,
    TRAINED,
    TRAINED_BRIEFLY,
    WEIGHTS,
    Offer,
    Recipe,
    Space,
    key_of,
)

BOUND = 0.01

TECHNIQUES = [
    Offer("uint8", "quantize", WEIGHTS, False, {}, {}, 1),
    Offer("float16", "quantize", WEIGHTS, False, {}, {}, 1),
    Offer("int8", "quantize", CALIBRATED, False, {"method": ("minmax", "mse")}, {}, 1),
    Offer(
        "prune",
        "prune",
        TRAINED_BRIEFLY,
        True,
        {"sparsity": (0.6, 0.75, 0.9), "finetune_epochs": (4, 12)},
        {},
        1,
    ),
    Offer("cluster", "cluster", TRAINED_BRIEFLY, True, {"clusters": (32, 16, 64)}, {}, 1),
]


def kilobytes_and_loss(recipe: Recipe) -> tuple[float, float]:
    """A model in which pruning much needs long training."""
    quantized = recipe.get("quantize")
    size = {"uint8": 25.0, "float16": 50.0, None: 100.0}.get(str(quantized or "") or None, 26.0)
    lost = {"uint8": 0.002, "float16": 0.0, None: 0.0}.get(str(quantized or "") or None, 0.004)
    if prune := recipe.get("prune"):
        size *= 1 - 0.8 * prune["sparsity"]
        lost += 0.05 * prune["sparsity"] ** 4 / prune["finetune_epochs"]
    if cluster := recipe.get("cluster"):
        size *= 0.7
        lost += 0.02 / cluster["clusters"]
    return size, lost


@cache
def searched(seed: int = 0, minutes: float = 10) -> list[Trial]:
    return search(seed, minutes=minutes)


def search(
    seed: int = 0,
    truth: Callable[[Recipe], tuple[float, float]] = kilobytes_and_loss,
    fixed: Recipe | None = None,
    minutes: float = 10,
) -> list[Trial]:
    space = Space(TECHNIQUES, fixed or {}, lambda recipe: True)
    trials: list[Trial] = []

    def spent() -> float:
        return sum(trial.seconds for trial in trials) / (minutes * 60)

    for proposal in proposals(space, seed, trials, spent):
        recipe = {**(fixed or {}), **proposal}
        size, lost = truth(recipe)
        missed: list[dict[str, Any]] = []
        if lost > BOUND:
            miss = {"metric": "accuracy_drop", "value": lost, "bound": BOUND}
            missed = [{"artifact": "onnx/small", "backend": "onnxruntime-cpu", **miss}]
        seconds = 1.0 + space.effort(recipe)
        if spent() + seconds / (minutes * 60) > 1:
            break
        trials.append(Trial(recipe, seconds, size, quality=1 - lost, missed=missed))
    return trials


def test_it_begins_with_float32_and_goes_from_cheap_to_dear() -> None:
    trials = searched()
    assert trials[0].recipe == {}
    cost = Space(TECHNIQUES, {}, lambda recipe: True).cost
    costs = [cost(trial.recipe) for trial in trials]
    for dear in (CALIBRATED, TRAINED_BRIEFLY):
        assert max(costs[: costs.index(dear)]) < dear
    epochs = [Space(TECHNIQUES, {}, lambda recipe: True).effort(t.recipe) for t in trials]
    assert 0 < epochs.index(4) < epochs.index(12), "short training comes before long"


def test_each_technique_is_tried_by_itself_on_the_best_so_far() -> None:
    recipes = [trial.recipe for trial in searched()]
    alone = {"quantize": "uint8", "prune": {"sparsity": 0.6, "finetune_epochs": 4}}
    assert alone in recipes
    combined = {**alone, "cluster": {"clusters": 32}}
    assert combined in recipes[recipes.index(alone) :]


def test_nothing_is_tried_twice() -> None:
    keys = [key_of(trial.recipe) for trial in searched()]
    assert len(keys) == len(set(keys)) > 15


def test_the_same_seed_gives_the_same_order() -> None:
    short = (search(seed, minutes=2) for seed in (0, 0, 1))
    first, again, other = ([trial.recipe for trial in trials] for trials in short)
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", [0, nightly(1), nightly(2)])
def test_it_finds_what_only_long_training_keeps(seed: int) -> None:
    best = best_of(searched(seed))
    assert best and best.value is not None
    assert best.value <= 25 * 0.28, "90 % pruned with uint8 needs 12 epochs to keep the bound"
    assert best.recipe["prune"] == {"sparsity": 0.9, "finetune_epochs": 12}


def test_what_is_fixed_is_in_every_candidate_and_not_searched() -> None:
    fixed = {"prune": {"sparsity": 0.5, "finetune_epochs": 4}}
    trials = search(fixed=fixed)
    assert all(trial.recipe["prune"] == fixed["prune"] for trial in trials)
    assert {"quantize": "uint8"}.items() <= best_of(trials).recipe.items()  # type: ignore[union-attr]


def test_a_technique_that_fails_is_not_the_end() -> None:
    space = Space(TECHNIQUES, {}, lambda recipe: True)
    trials: list[Trial] = []
    for recipe in proposals(space, 0, trials, lambda: len(trials) / 60):
        if "prune" in recipe:
            trials.append(Trial(recipe, 1.0, error="it has no layer to prune"))
        else:
            trials.append(Trial(recipe, 1.0, kilobytes_and_loss(recipe)[0], quality=1.0))
    best = best_of(trials)
    assert best and best.recipe["quantize"] == "uint8" and "cluster" in best.recipe


def test_no_cheap_cost_takes_all_the_time() -> None:
    # Calibrated candidates may not use more than their share: training must have its turn.
    trials = searched(minutes=1)
    assert any("prune" in trial.recipe for trial in trials)


def test_a_recipe_says_only_what_is_not_so_by_default() -> None:
    choices = {"levels": (256, 16), "finetune_epochs": (4, 12)}
    defaults = {"levels": 256, "finetune_epochs": 4}
    technique = Offer("qat", "qat", TRAINED_BRIEFLY, True, choices, defaults, 1)
    space = Space([technique], {}, lambda recipe: True)
    assert technique.recipe(defaults) == {"qat": {}}
    fewer = technique.recipe({"levels": 16, "finetune_epochs": 4})
    assert fewer == {"qat": {"levels": 16}}
    assert space.effort(fewer) == 4, "the default is known"
    assert space.longer(fewer) == {"qat": {"levels": 16, "finetune_epochs": 12}}
    assert space.longer(space.longer(fewer) or {}) is None


def test_what_techniques_offer_can_be_said_in_a_config() -> None:
    """Each choice of ``search``, of every technique that is there."""
    from pipeline.optimize.contract import techniques
    from pipeline.search.space import alternatives, offers

    for technique in offers(None):
        for recipe in alternatives(technique, TRAINED):
            options = recipe[technique.key]
            given = (
                {} if isinstance(options, str) else {k: options[k] for k in options if k != "to"}
            )
            techniques()[technique.name].options(**given)
