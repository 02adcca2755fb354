"""What fixtures of the client's tests give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from client_page import ScriptPage
from client_release import Release
from client_site import Origin, cdn

Open = Callable[..., ScriptPage]


@dataclass(frozen=True)
class Site:
    """A page's own origin, and the CDN's; new ports, so a new browser cache, for each test."""

    page: Origin
    cdn: Origin

    @property
    def latest(self) -> str:
        """The URL that users are given."""
        return self.cdn.url("mobilenet/latest.json")

    @property
    def client(self) -> str:
        """The folder of the client's modules."""
        return self.cdn.url("client")

    @property
    def sources(self) -> str:
        """The folder of the client's modules before they are bundled."""
        return self.cdn.url("sources")

    def publish(self, release: Release) -> None:
        """Serve another CDN folder from now on."""
        self.cdn.folders.update(cdn(release.cdn).folders)
