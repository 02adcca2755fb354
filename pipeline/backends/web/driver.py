"""What a browser engine offers: a browser that opens pages, and pages that take tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

START_TIMEOUT_S = 60

GONE = "the browser's process ended"
CRASHED = "the page crashed, most likely because it ran out of memory"


class PageFailure(Exception):  # noqa: N818 - `ArtifactPage` says where, and raises what users see
    """Why a page cannot go on."""


class BrowserGone(PageFailure):
    """The browser's process ended."""


class Page(Protocol):
    """One open page."""

    def start(self, task: Mapping[str, Any]) -> None:
        """Call the page's ``start(task)``, which returns at once.

        Raises:
            PageFailure: the page or the browser is gone.
        """

    def check(self) -> None:
        """See that the page still lives; asked again and again while an answer is awaited.

        Raises:
            PageFailure: the page or the browser is gone.
        """

    def close(self) -> None:
        """Close the page; nothing is raised where it is gone already."""


class Browser(Protocol):
    """One running browser."""

    @property
    def version(self) -> str: ...

    @property
    def pid(self) -> int:
        """The process under which all of the browser's processes are found."""

    def alive(self) -> bool:
        """Whether it still answers."""

    def open(self, url: str) -> Page:
        """Open a page in a profile without a past.

        Raises:
            PageFailure: it does not load.
        """

    def close(self) -> None:
        """End the browser and everything that was started for it."""
