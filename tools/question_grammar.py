"""Passages and questions by a grammar of our own, which the bundled answerer learns.

A passage is a few facts about some people and towns, a question is about one of them. Wordings and
words stand in ``question_grammar.json``, those to learn before those to be tested on: no passage
and no question of training has a wording of the tests. What learns them knows nothing of other
texts.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Of questions, the share that the passage does not answer.
UNANSWERED = 0.15
#: Facts of a passage, from so many to so many.
FACTS_OF = (2, 5)
#: Of names and things to learn, the share that are no words.
MADE_UP = 0.25

#: To learn, and to be tested on: with a slot in braces, and spaces before punctuation.
Wordings = tuple[Sequence[str], Sequence[str]]


@dataclass(frozen=True)
class Fact:
    """A kind of fact."""

    about: Sequence[str]
    """The slots that tell it from others of its kind: a passage says it of each once."""
    said: Wordings
    asked: Mapping[str, Wordings]
    """Slot -> how to ask for it."""


_GRAMMAR = json.loads(Path(__file__).with_suffix(".json").read_text())
FACTS = tuple(Fact(**fact) for fact in _GRAMMAR["facts"])
#: Slot -> words to learn, then those to be tested on.
WORDS: Mapping[str, Wordings] = _GRAMMAR["words"]

_NAMES = ("town", "person")
#: Slots that take the words of another one, or numbers.
_SAME = {"friend": "person", "other": "food"}
_UNITS = {"price": ("euros", "dollars"), "length": ("metres", "feet")}
_HOURS = {"hour": (6, 11), "late": (14, 22)}


def questions(seed: int, count: int, test: bool) -> Iterator[dict[str, Any]]:
    """``{"question", "context", "answers"}``; with ``start``, where in the context the answer is,
    -1 where there is none."""
    chance = random.Random(seed)  # noqa: S311
    for _ in range(count):
        yield _question(chance, test)


def passage(seed: int) -> tuple[str, list[str]]:
    """One by the wordings to learn, and a question about each of its facts."""
    chance = random.Random(seed)  # noqa: S311
    facts = _facts(chance, test=False)
    texts = [_worded(fact.said, values, chance, test=False)[0] for fact, values in facts]
    asked = [
        _worded(fact.asked[chance.choice(list(fact.asked))], values, chance, test=False)[0]
        for fact, values in facts
    ]
    return " ".join(texts), asked


def _question(chance: random.Random, test: bool) -> dict[str, Any]:
    facts = _facts(chance, test)
    sentences = [_worded(fact.said, values, chance, test) for fact, values in facts]
    number = chance.randrange(len(facts))
    fact, values = facts[number]
    slot = chance.choice(list(fact.asked))
    question, _ = _worded(fact.asked[slot], values, chance, test)
    rest = [text for index, (text, _) in enumerate(sentences) if index != number]
    if chance.random() < UNANSWERED and rest:
        return {"question": question, "context": " ".join(rest), "answers": [], "start": -1}
    texts = [text for text, _ in sentences]
    start = sum(len(text) + 1 for text in texts[:number]) + sentences[number][1][slot]
    context = " ".join(texts)
    return {"question": question, "context": context, "answers": [values[slot]], "start": start}


def _facts(chance: random.Random, test: bool) -> list[tuple[Fact, dict[str, str]]]:
    """Some facts, of which several are about the same people and towns."""
    pools = {slot: [_word(slot, chance, test) for _ in range(3)] for slot in _NAMES}
    facts: list[tuple[Fact, dict[str, str]]] = []
    for _ in range(chance.randint(*FACTS_OF)):
        fact = chance.choice(FACTS)
        slots = sorted({*re.findall(r"{(\w+)}", "|".join(fact.said[0]))})
        values = {slot: _value(slot, pools, chance, test) for slot in slots}
        if _is_new(fact, values, facts, pools["person"]):
            facts.append((fact, values))
    return facts or _facts(chance, test)


def _is_new(
    fact: Fact,
    values: Mapping[str, str],
    facts: Sequence[tuple[Fact, Mapping[str, str]]],
    people: Sequence[str],
) -> bool:
    """Whether each question about it has one answer beside those facts."""
    if len({*values.values()}) < len(values):
        return False
    for other, known in facts:
        own = {value for slot, value in values.items() if slot not in _NAMES}
        if own & {value for slot, value in known.items() if slot not in _NAMES}:
            return False
        if fact is not other:
            continue
        if all(values[slot] == known[slot] for slot in fact.about):
            return False
        if {*values.values()} & {*known.values()} - {*people}:
            return False
    return True


def _value(slot: str, pools: Mapping[str, Sequence[str]], chance: random.Random, test: bool) -> str:
    slot = _SAME.get(slot, slot)
    return chance.choice(pools[slot]) if slot in pools else _word(slot, chance, test)


def _word(slot: str, chance: random.Random, test: bool) -> str:
    if slot == "year":
        return str(chance.randint(1850, 2020))
    if slot in _UNITS:
        return f"{chance.randint(2, 90)} {chance.choice(_UNITS[slot])}"
    if slot in _HOURS:
        return f"{chance.randint(*_HOURS[slot])}:{chance.choice(('00', '15', '30', '45'))}"
    # Words that nobody knows teach to look at the others.
    if slot in (*_NAMES, "thing") and not test and chance.random() < MADE_UP:
        made = _made_up(chance)
        return made if slot in _NAMES else made.lower()
    return chance.choice(WORDS[slot][test])


def _made_up(chance: random.Random) -> str:
    """A word that there is not."""
    kinds = ("bdfghjklmnprstvz", "aeiou")
    return "".join(chance.choice(kinds[i % 2]) for i in range(chance.randint(3, 6))).capitalize()


def _worded(
    wordings: Wordings, values: Mapping[str, str], chance: random.Random, test: bool
) -> tuple[str, dict[str, int]]:
    """A sentence, and where in it each value begins."""
    text, places = "", {}
    for part in re.split(r"({\w+})", chance.choice(wordings[test])):
        if part.startswith("{"):
            places[part[1:-1]] = len(text)
            text += values[part[1:-1]]
        else:
            text += re.sub(r" ([.,?])", r"\1", part)
    return text, places
