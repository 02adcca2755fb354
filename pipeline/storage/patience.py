"""Trying again, for as long as it may help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long to go on trying."""

    attempts: int = 6
    first_seconds: float = 0.3
    """Before the second attempt, at most; doubled before each later one."""
    longest_seconds: float = 10.0


def patiently(
    patience: Patience, passing: Callable[[BaseException], bool], function: Callable[[], T]
) -> T:
    """Call, again after errors that may pass; the last error is raised as it is."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt
    from tenacity import wait_random_exponential as growing

    return Retrying(
        stop=stop_after_attempt(patience.attempts),
        wait=growing(multiplier=patience.first_seconds, max=patience.longest_seconds),
        retry=retry_if_exception(passing),
        reraise=True,
    )(function)
