"""What the table is of."""

from __future__ import annotations

from tests.conformance.case import Case
from tests.conformance.models import applications, composed, layers


def cases(filters: tuple[str, ...] = ()) -> list[Case]:
    """All of them, or those whose id has one of the words in it."""
    every = [*layers.cases(), *composed.cases(), *applications.cases()]
    words = [word.casefold() for word in filters]
    return [case for case in every if not words or any(w in case.id.casefold() for w in words)]
