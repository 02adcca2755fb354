"""What a browser engine is, as targets name it: ``tfjs-wasm@firefox``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.base.registry import find_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.backends.web.driver import Browser


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine, and the machine's browser that has it."""

    name: str
    find: Callable[[], Path | None]
    """Where the browser is."""
    unavailable: Callable[[], str | None]
    """A cheap reason why it cannot run here."""
    fingerprint: Callable[[], dict[str, Any]]
    """What of it can change a result."""
    watched: Callable[[], tuple[str, ...]]
    """Files outside of this package that ``fingerprint`` speaks of."""
    settings: Callable[[], object]
    """When these change, a running browser is started again."""
    renderer: Callable[[str], str | None]
    """What draws for a backend, where the engine does not tell its pages."""
    start: Callable[[], Browser]
    """Starts it; Unavailable where there is none, or it does not start."""
    packages: tuple[str, ...] = ()
    """Debian's, of an engine that a machine may lack."""
    elsewhere: str = ""
    """What to do where Debian's packages are not at hand."""


def engines() -> dict[str, Engine]:
    """By name."""
    return find_plugins("backends.web.engines", "ENGINE", Engine)
