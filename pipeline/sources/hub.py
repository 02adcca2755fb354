"""A host of models that many people publish on: where it is, and who asks."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pipeline.download.remote_file import RemoteFile


@dataclass(frozen=True)
class Hub:
    """One of them, with the variables that its own programs read."""

    home: str
    endpoint_variable: str
    """May name a mirror."""
    token_variable: str
    """May hold a token, for what its owner does not give to everybody."""
    otherwise: str
    """What to do where it cannot be reached, behind "or"."""

    @property
    def address(self) -> str:
        return os.environ.get(self.endpoint_variable, self.home).rstrip("/")

    @property
    def token(self) -> str | None:
        return os.environ.get(self.token_variable)

    def remote_file(self, path: str, max_bytes: int) -> RemoteFile:
        """A file of it, whose digest is written into the config's .lock."""
        how = (
            "if its owner asks for consent, give it on the model's page and set "
            f"{self.token_variable} to a token of yours; {self.endpoint_variable} names a mirror; "
            f"or {self.otherwise}"
        )
        url = f"{self.address}/{path}"
        return RemoteFile(url, None, max_bytes, how, token_variable=self.token_variable)
