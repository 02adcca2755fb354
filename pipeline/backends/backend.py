"""What a backend is: where artifacts of some formats run, on this machine or in a browser.

A native one is a module of this folder with a ``BACKEND``; one of a browser is a row in
``web/backends.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.backends.session import Session


@dataclass(frozen=True, kw_only=True)
class Backend(ABC):
    """One backend, whatever engine it runs in."""

    name: str
    formats: tuple[str, ...]
    """Artifact formats that it runs."""
    engines: tuple[str | None, ...] = (None,)
    """The browsers that can have it; ``None`` for one that needs no browser."""
    lane: str = ""
    """The kind of process that it needs, where that is not its engine's."""
    tools: tuple[str, ...] = ()
    """Distributions whose version can change its results."""
    runtime: str | None = None
    """The bundle that a page opens artifacts with, as a release calls it."""
    gpu: bool = False
    """It computes on a GPU, or on a rasterizer where there is none."""
    extra: bool = False
    """It is not part of ``all``."""

    @abstractmethod
    def unavailable(self, engine: str | None) -> str | None:
        """A cheap reason why it cannot run on this machine."""

    @abstractmethod
    def open_session(
        self,
        artifact: Path,
        engine: str | None = None,
        runtime: Path | None = None,
        threads: int | None = None,
    ) -> Session:
        """Open an artifact folder.

        Args:
            runtime: the folder of the bundle; without it the bundle is made for this process.
            threads: for those that let one choose; ``None`` for the runtime's own choice.

        Raises:
            Unavailable: only trying showed that it cannot run here.
            PipelineError: the artifact does not load.
        """

    def fingerprint(self, engine: str | None) -> Any:
        """What can change its results besides the artifact."""
        return None

    def watched(self, engine: str | None) -> tuple[str, ...]:
        """Files outside of this package that ``fingerprint`` speaks of."""
        return ()
