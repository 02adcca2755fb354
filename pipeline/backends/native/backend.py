"""A backend of this process: the module that it needs, and the session that it opens."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pipeline.backends.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.backends.session import Session


@dataclass(frozen=True, kw_only=True)
class NativeBackend(Backend):
    """A backend of a Python package."""

    module: str
    """What is imported of the package."""
    session: Callable[[Path], Session]
    """Opens an artifact folder."""

    def unavailable(self, engine: str | None = None) -> str | None:
        return None if find_spec(self.module) else f"{self.module} is not installed"

    def open_session(
        self,
        artifact: Path,
        engine: str | None = None,
        runtime: Path | None = None,
        threads: int | None = None,
    ) -> Session:
        return self.session(artifact)
