"""``http(s)://``: a published folder as its readers see it. It cannot be listed or written.

With httpx, which is there for downloads: fsspec's own needs aiohttp, and decompresses what it gets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from pipeline.base.errors import PipelineError
from pipeline.storage.base import Content, Readable
from pipeline.storage.kind import StorageKind
from pipeline.storage.patience import Patience, patiently

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class HttpStorage(Readable):
    """A folder on a web server."""

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        self.where = url.rstrip("/")
        self.patience = patience or Patience()

    def read(self, path: str, limit_bytes: int = 2**24) -> Content | None:
        def whole(blocks: Iterator[bytes]) -> bytes:
            data = bytearray()
            for block in blocks:
                data += block
                if len(data) > limit_bytes:
                    raise ValueError(f"larger than {limit_bytes:,} bytes")
            return bytes(data)

        try:
            data = self.fold(path, whole)
        except FileNotFoundError:
            return None
        return Content(data, hashlib.sha256(data).hexdigest())

    def fold(self, path: str, function: Callable[[Iterator[bytes]], T]) -> T:
        def attempt() -> T:
            with self._get(path) as response:
                return function(response.iter_raw())

        import httpx

        try:
            return patiently(self.patience, _passing, attempt)
        except httpx.HTTPStatusError as error:
            raise self._failed(path, f"HTTP {error.response.status_code}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failed(path, str(error) or type(error).__name__) from error

    @contextmanager
    def _get(self, path: str) -> Iterator[httpx.Response]:
        url = f"{self.where}/{quote(path)}"
        # "identity": what is checked are the file's own bytes, not what a server makes of them.
        with self._client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code in (404, 410):
                raise FileNotFoundError(path)
            response.raise_for_status()
            yield response

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        return httpx.Client(timeout=30.0, follow_redirects=True, max_redirects=5)

    def _failed(self, path: str, why: str) -> PipelineError:
        return PipelineError(
            f"could not be read: {why}",
            where=f"{self.where}/{path}",
            todo="check the address, and that the server answers",
        )


KIND = StorageKind("http", ("http", "https"), HttpStorage)


def _passing(error: BaseException) -> bool:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (408, 425, 429) or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError) and not isinstance(
        error, httpx.UnsupportedProtocol
    )
