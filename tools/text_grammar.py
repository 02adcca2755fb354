"""Sentences by a grammar of our own, which the bundled models of texts learn and are tested on.

Those for tests are of templates that no training sentence has, and of other things, names, days and
amounts. They are English of a narrow kind: what learns them knows nothing of other texts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

LABELS = ("account", "billing", "complaint", "delivery", "thanks", "urgent")

#: Label -> templates to learn, then those to be tested on. Of a word in braces any of its list.
MESSAGES: dict[str, tuple[list[str], list[str]]] = {
    "account": (
        [
            "I cannot log in to my {place} .",
            "My {secret} does not work any more .",
            "How do I change my {secret} ?",
            "Please delete my {place} .",
            "I forgot the {secret} of my {place} .",
            "The {place} says that my {secret} is wrong .",
            "I would like to change the email address of my {place} .",
            "Is my {place} blocked ?",
            "The {place} was locked , and I did nothing .",
            "I need a new {secret} .",
            "Could you send me another {secret} ?",
            "I typed the {secret} three times , and it was wrong .",
        ],
        ["My {place} is locked since I typed a wrong {secret} .", "Can I get a new {secret} ?"],
    ),
    "billing": (
        [
            "I was charged {amount} twice .",
            "Where can I find the {bill} for my {thing} ?",
            "The {bill} shows {amount} too much .",
            "Can I pay the {bill} by card ?",
            "Please refund the {amount} for the {thing} .",
            "My payment of {amount} was refused .",
            "There is a mistake in the {bill} of {day} .",
            "I paid {amount} too much .",
            "When do I get my refund ?",
            "You charged me {amount} for a {thing} that I did not order .",
        ],
        ["You took {amount} too much for the {thing} .", "I still wait for a refund of {amount} ."],
    ),
    "complaint": (
        [
            "The {thing} is {bad} .",
            "I am very unhappy with the {thing} .",
            "This is the worst {thing} that I ever bought .",
            "Nobody answers my calls , and that is {bad} .",
            "I am disappointed by your {service} .",
            "Your {service} is {bad} , I will not buy here again .",
            "The {thing} broke after one day .",
            "I will never buy a {thing} here again .",
            "Such a {bad} {thing} .",
            "Your {service} disappointed us .",
            "What {bad} {service} .",
        ],
        ["What a {bad} {thing} .", "Never again , your {service} disappointed me ."],
    ),
    "delivery": (
        [
            "Where is my {thing} ?",
            "The {parcel} with the {thing} did not arrive .",
            "When will the {thing} be delivered ?",
            "The courier left my {parcel} in the rain .",
            "Please send the {thing} to another address .",
            "My {parcel} has been on its way since {day} .",
            "Can you ship the {thing} on {day} ?",
            "The {thing} was shipped to a wrong address .",
            "Nothing has arrived since {day} .",
            "Has the {parcel} been sent ?",
        ],
        ["The {parcel} should have arrived on {day} .", "Has my {thing} been shipped ?"],
    ),
    "thanks": (
        [
            "Thank you for the {good} {service} .",
            "Thanks , the {thing} is {good} .",
            "I am very happy with my {thing} .",
            "Your {service} was {good} , thanks a lot .",
            "Many thanks for your help .",
            "What a {good} {thing} , thank you .",
            "I love the {thing} .",
            "I am happy , it is {good} .",
            "Thanks again for all .",
            "Such {good} {service} , thanks .",
        ],
        ["Thanks again , such a {good} {service} .", "I am so happy , the {thing} is {good} ."],
    ),
    "urgent": (
        [
            "This is urgent .",
            "I need an answer today .",
            "Please reply as soon as possible .",
            "It has to be solved before {day} .",
            "Please hurry .",
            "I cannot wait any longer .",
            "Answer me at once .",
            "It is urgent , please answer .",
            "I need this as soon as possible .",
        ],
        ["Please answer at once , it is urgent .", "I need it solved as soon as possible ."],
    ),
}

#: Word -> those to learn, then those to be tested on: what tells a label is the same in both.
WORDS: dict[str, tuple[str, str]] = {
    "place": ("account profile login page", "account profile login page"),
    "secret": ("password code pin", "password code pin"),
    "bill": ("invoice bill receipt", "invoice bill receipt"),
    "amount": ("20 euros|15 dollars|99 euros|7 dollars|250 euros", "42 euros|130 dollars"),
    "thing": (
        "lamp chair phone jacket kettle camera table book clock guitar keyboard bag tent coat",
        "mirror speaker carpet bicycle",
    ),
    "bad": ("terrible awful bad useless horrible", "terrible awful bad useless horrible"),
    "good": ("great lovely good perfect wonderful", "great lovely good perfect wonderful"),
    "service": ("service support team help", "service support team help"),
    "parcel": ("parcel package box", "parcel package box"),
    "day": ("Monday Tuesday Wednesday Friday Sunday", "Thursday Saturday"),
}


def messages(seed: int, count: int, test: bool) -> Iterator[dict[str, Any]]:
    """``{"text", "labels"}``: one to three sentences, and all that they are about."""
    chance = random.Random(seed)  # noqa: S311
    for _ in range(count):
        labels = chance.sample(LABELS, chance.choice((1, 1, 2, 2, 3)))
        told = [_filled(chance.choice(MESSAGES[label][test]), chance, test) for label in labels]
        yield {"text": " ".join(told), "labels": sorted(labels)}


def _filled(template: str, chance: random.Random, test: bool) -> str:
    for word, lists in WORDS.items():
        while (place := "{" + word + "}") in template:
            options = lists[test].split("|") if "|" in lists[test] else lists[test].split()
            # Words that nobody knows teach to look at the others.
            invents = word == "thing" and not test and chance.random() < 0.4
            chosen = _name(chance, test).lower() if invents else chance.choice(options)
            template = template.replace(place, chosen, 1)
    return _joined(template)


def _joined(text: str) -> str:
    """Punctuation stands at the word before it."""
    for mark in ".,?":
        text = text.replace(f" {mark}", mark)
    return text


#: Words that nobody knows are made of these.
_FIRST = ("ba da fe ga ha jo ka le ma ni pe ra sa ti vo", "lu mo ze")
_REST = "la ri na to mi ve so lin ran dor mas nel vik tan ber kol"


def _name(chance: random.Random, test: bool) -> str:
    parts = [chance.choice(_FIRST[test].split())]
    parts += [chance.choice(_REST.split()) for _ in range(chance.choice((1, 1, 2)))]
    return "".join(parts).capitalize()
