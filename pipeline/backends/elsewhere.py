"""Which targets other machines have, where a plan is made for them and not for this one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.base.digest import digest


@dataclass(frozen=True)
class TargetFacts:
    """What a machine says of one target."""

    id: str
    unavailable: str | None
    fingerprint: Any
    gpu: bool
    """Whether that machine has one."""

    @property
    def tag(self) -> str:
        """The same on all machines where it is the same: a step asks for it."""
        return f"{self.id} {digest('target', self.fingerprint, self.gpu)[:12]}"


_told: Mapping[str, TargetFacts] | None = None


def told(target: str) -> TargetFacts | None:
    """What the machines say that plans are made for; ``None`` where that is this one."""
    return None if _told is None else _told[target]


@contextmanager
def planned_for(machines: Iterable[Iterable[TargetFacts]]) -> Iterator[None]:
    """Plans that are made meanwhile are for these machines: what one of them has is there."""
    global _told
    before, _told = _told, merge(machines)
    try:
        yield
    finally:
        _told = before


def merge(machines: Iterable[Iterable[TargetFacts]]) -> dict[str, TargetFacts]:
    """Of each target the facts that hold on most machines, of those that have it if any do."""
    by_target: dict[str, list[TargetFacts]] = defaultdict(list)
    for facts in machines:
        for fact in facts:
            by_target[fact.id].append(fact)

    def choose(facts: list[TargetFacts]) -> TargetFacts:
        able = [fact for fact in facts if fact.unavailable is None] or facts
        tags = [fact.tag for fact in able]
        return min(able, key=lambda fact: (-tags.count(fact.tag), fact.tag))

    return {target: choose(facts) for target, facts in by_target.items()}
