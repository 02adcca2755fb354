"""What a search may try: the techniques that are there, and what each offers of its options.

A technique's ``search`` and ``faster`` say so; what says nothing is tried as it is by default. What
is ``faster`` is tried where time is minimized; where bytes are, after what is made for that.

How dear it is follows from its stage: encoding weights costs seconds, what looks at samples more,
and training most of all, by the number of ``…epochs``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from pipeline.config.change import Recipe
from pipeline.optimize.contract import Technique, techniques

#: Cheap before dear: a search goes through these one after the other.
WEIGHTS, CALIBRATED, TRAINED_BRIEFLY, TRAINED = range(4)

_STAGES = {"weights": WEIGHTS, "graph": CALIBRATED, "frozen": CALIBRATED, "model": TRAINED_BRIEFLY}

#: ``suggest(name, values)``: chooses one of them.
Suggest = Callable[[str, Sequence[Any]], Any]


@dataclass(frozen=True)
class Offer:
    """One technique and what may be tried of it."""

    name: str
    key: str
    cost: int
    alone: bool
    """Whether its key holds no other technique."""
    choices: Mapping[str, tuple[Any, ...]]
    """Option -> values, the one to begin with first."""
    defaults: Mapping[str, Any]
    """Option -> its value where a recipe says nothing."""
    version: Any
    """What it makes changes with it."""
    faster: bool = False
    """Whether models are to become faster by it, and not only smaller."""

    def recipe(self, options: Mapping[str, Any]) -> Recipe:
        """A variant of this technique alone, which says only what is not so by default."""
        options = {n: v for n, v in options.items() if v != self.defaults.get(n, ...)}
        if self.alone:
            return {self.key: options}
        return {self.key: {"to": self.name, **options} if options else self.name}

    def choices_at(self, cost: int) -> Mapping[str, tuple[Any, ...]]:
        """What may be tried of it at this cost: brief training knows only the fewest epochs."""
        if cost != TRAINED_BRIEFLY:
            return self.choices
        return {n: (min(v),) if is_effort(n) else v for n, v in self.choices.items()}


def is_effort(option: str) -> bool:
    """Whether an option says how long to train."""
    return option.endswith("epochs")


class Space:
    """Every recipe that a search may try, for the formats that must hold it."""

    def __init__(
        self,
        techniques: Sequence[Offer],
        fixed: Recipe,
        allows: Callable[[Recipe], bool],
    ) -> None:
        self.fixed = fixed
        self._allows = allows
        self.techniques = [
            offer for offer in techniques if offer.key not in fixed and self.allows(_first(offer))
        ]

    def complete(self, recipe: Recipe) -> Recipe:
        """A recipe with what is fixed."""
        return {**self.fixed, **recipe}

    def allows(self, recipe: Recipe) -> bool:
        """Whether a config may say so, and every format holds it."""
        return self._allows(self.complete(recipe))

    def restrict(self, also: Callable[[Recipe], bool]) -> Space:
        """The same techniques; ``also`` may refuse a whole recipe that could be tried."""
        other = copy(self)
        other._allows = lambda recipe: self._allows(recipe) and also(recipe)
        return other

    def within(self, cost: int) -> list[Offer]:
        """The techniques that cost no more, the cheap ones first."""
        return [offer for offer in self.techniques if offer.cost <= cost]

    def slots(self, cost: int) -> dict[str, list[Offer]]:
        """Key -> the techniques of which it holds one, or none."""
        slots: dict[str, list[Offer]] = {}
        for offer in self.within(cost):
            slots.setdefault(offer.key, []).append(offer)
        return slots

    def suggest(self, cost: int, suggest: Suggest) -> Recipe:
        """A recipe of choices."""
        recipe: Recipe = {}
        for key, alike in self.slots(cost).items():
            name = suggest(key, ("", *(offer.name for offer in alike)))
            for offer in alike:
                if offer.name == name:
                    options = {
                        option: suggest(f"{name}.{option}", values)
                        for option, values in offer.choices_at(cost).items()
                    }
                    recipe |= offer.recipe(options)
        return recipe

    def choices_of(self, recipe: Recipe) -> dict[str, Any]:
        """What ``suggest`` must choose to give this recipe: name -> value."""
        choices: dict[str, Any] = dict.fromkeys(self.slots(TRAINED), "")
        for offer in self.techniques:
            value = recipe.get(offer.key)
            options = dict(value) if isinstance(value, Mapping) else {"to": value}
            if value is not None and options.pop("to", offer.name) == offer.name:
                choices[offer.key] = offer.name
                options = {name: offer.defaults.get(name) for name in offer.choices} | options
                choices |= {f"{offer.name}.{name}": value for name, value in options.items()}
        return choices

    def longer(self, recipe: Recipe) -> Recipe | None:
        """The same, trained for the next larger number of epochs; ``None`` if there is none."""
        choices, more = self.choices_of(recipe), dict[str, int]()
        offered = {f"{t.name}.{o}": v for t in self.techniques for o, v in t.choices.items()}
        for name in filter(is_effort, choices):
            above = [value for value in offered.get(name, ()) if value > choices[name]]
            more |= {name: min(above)} if above else {}
        return self.suggest(TRAINED, partial(_choice_of, choices | more)) if more else None

    def effort(self, recipe: Recipe) -> int:
        """How many epochs a recipe trains."""
        return sum(v for name, v in self.choices_of(recipe).items() if is_effort(name))

    def cost(self, recipe: Recipe) -> int:
        """How dear a recipe is: as dear as its dearest technique."""
        choices = set(self.choices_of(recipe).values())
        return max(
            (offer.cost for offer in self.techniques if offer.name in choices), default=WEIGHTS
        )

    def describe(self) -> Any:
        """What decides which recipes there are, for the key of what was found."""
        return [[vars(offer) for offer in self.techniques], self.fixed]


def _choice_of(choices: Mapping[str, Any], name: str, values: Sequence[Any]) -> Any:
    """A choice as it was made, if it still can be; else the first."""
    value = choices.get(name, values[0])
    return value if value in values else values[0]


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether values have an order."""
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def alternatives(technique: Offer, cost: int) -> Iterator[Recipe]:
    """The recipes of one technique alone: first choices, then one other choice at a time."""
    choices = technique.choices_at(cost)
    first = {name: values[0] for name, values in choices.items()}
    yield technique.recipe(first)
    for name, values in choices.items():
        for value in values[1:]:
            yield technique.recipe(first | {name: value})


def key_of(recipe: Recipe) -> str:
    """Equal for recipes that mean the same."""
    return json.dumps(recipe, sort_keys=True)


def offers(only: Sequence[str] | None, *, timed: bool = False) -> list[Offer]:
    """Every technique that may be tried, the cheap ones first, then in the order of a chain.

    Args:
        only: their names; all that are there otherwise.
        timed: leave out what makes nothing faster, unless it is named.
    """
    all_techniques = techniques()
    tried = [
        t for t in all_techniques.values() if (t.name in only if only else t.search is not None)
    ]
    tried = [t for t in tried if t.makes_faster or not timed or only]
    keys = [t.key for t in all_techniques.values()]
    unsorted = [_offer(t, keys.count(t.key) == 1 and t.name == t.key) for t in tried]
    return sorted(unsorted, key=lambda o: (o.cost, o.faster, all_techniques[o.name].order))


def _offer(technique: Technique, alone: bool) -> Offer:
    choices = dict(technique.search or {})
    fields = technique.options.model_fields
    defaults = {option: fields[option].get_default() for option in choices}
    return Offer(
        technique.name,
        technique.key,
        _STAGES[technique.stage],
        alone,
        choices,
        defaults,
        version_of(technique),
        technique.makes_faster,
    )


def version_of(technique: Technique) -> Any:
    """What a technique makes changes with it: its codec's version, its step's and its tools'."""
    from pipeline.base import tools

    codec, step = technique.codec, technique.step
    used = {tool: tools.version(tool) for tool in step.tools} if step else {}
    return [codec.version if codec else None, step.version if step else None, used]


def _first(technique: Offer) -> Recipe:
    return next(alternatives(technique, TRAINED))


def valid(check: Callable[[], bool]) -> bool:
    """``check()``, where what is checked may be no config at all."""
    try:
        return check()
    except ValidationError:
        return False
