"""Recipes and figures in words, without YAML's library: a build with nothing to do prints them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.measures import words
from pipeline.measures.metrics import metric_of
from pipeline.search.outcome import Outcome, Trial

#: What YAML reads as text without quotes; it has words of its own (1.1, sections 10.2 and 10.3).
_PLAIN = re.compile(r"[A-Za-z_][\w-]*(?: [\w-]+)*")
_OWN_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def flow(value: Any) -> str:
    """A part of a config as YAML on one line: ``{quantize: uint8}``."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _OWN_WORDS:
        return value
    text = json.dumps(value)
    # YAML 1.1 takes 1e-05 for text.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def figure(minimize: str, value: float | None) -> str:
    """What was minimized: ``63.6 KB``, or ``0.55×``."""
    if value is None:
        return ""
    return words.ratio(value) if minimize == "latency" else words.size(int(value))


def quality(metric: str, value: float | None) -> str:
    """``98.6 %``, or ``41 dB``."""
    return "" if value is None else words.value_of(metric, value)


def gives(outcome: Outcome, trial: Trial) -> str:
    """What a candidate is worth, in a few words."""
    decibel = metric_of(outcome.metric).unit == "dB"
    named = "" if decibel else f" {words.short_metric(outcome.metric)}"
    return (
        f"{figure(outcome.minimize, trial.value)}, {quality(outcome.metric, trial.quality)}{named}"
    )


def pinned_config(outcome: Outcome) -> str:
    """The config that makes the same without a search, as YAML."""
    assert outcome.best is not None  # noqa: S101
    lines = ["variants:", f"  {flow(outcome.variant)}: {flow(outcome.best.recipe)}"]
    if outcome.export:
        others = outcome.export.items()
        lines += ["export:", *(f"  {flow(n)}: {flow({'variants': left})}" for n, left in others)]
    gates = outcome.gates or ({outcome.variant: outcome.keep} if outcome.keep else {})
    if gates:
        entries = (f"    {flow(key)}: {flow(bounds)}" for key, bounds in gates.items())
        lines += ["validate:", "  gates:", *entries]
    return "\n".join(lines)
