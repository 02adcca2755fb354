"""Moves the bytes of one URL over HTTP into a partial file, in as many attempts as it takes."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.base.errors import SourceError
from pipeline.download.address import hide_secrets
from pipeline.download.partial import PartialFile, Version

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

    from pipeline.download.remote_file import Patience, Progress, RemoteFile

_NUMBER = "[0-9]{1,18}"


class _BrokenError(Exception):
    """This attempt failed; another may not."""

    def __init__(self, why: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_seconds = retry_after_seconds


def complete(remote: RemoteFile, part: PartialFile, progress: Progress, patience: Patience) -> None:
    """Add to ``part`` until it is the whole file. Raises SourceError where that fails."""
    import httpx
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

    timeout = httpx.Timeout(patience.silence_seconds, connect=patience.connect_seconds)
    retrying = Retrying(
        stop=stop_after_attempt(patience.attempts),
        wait=lambda state: _wait_seconds(state, patience),
        retry=retry_if_exception_type(_BrokenError),
        reraise=True,
    )
    with httpx.Client(timeout=timeout, follow_redirects=True, max_redirects=5) as client:
        try:
            retrying(_attempt, client, remote, part, progress)
        except _BrokenError as last:
            raise download_error(
                remote, f"{patience.attempts} attempts failed, the last one with: {last}"
            ) from last


def _wait_seconds(state: RetryCallState, patience: Patience) -> float:
    """Seconds before the next attempt."""
    from tenacity import wait_exponential, wait_random

    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, _BrokenError) and failure.retry_after_seconds is not None:
        return min(failure.retry_after_seconds, patience.longest_wait_seconds)
    first, longest = patience.backoff_seconds, patience.longest_wait_seconds
    return wait_exponential(multiplier=first, max=longest)(state) + wait_random(0, first)(state)


def _attempt(
    client: httpx.Client, remote: RemoteFile, part: PartialFile, progress: Progress
) -> None:
    """One request, and as much of its body as comes. Returns when the part is complete."""
    import httpx

    if part.complete:
        return
    # "identity": with a compressed body neither lengths nor ranges would be the file's own.
    headers = {"Accept-Encoding": "identity", "User-Agent": "model-pipeline"}
    if remote.token_variable and (token := os.environ.get(remote.token_variable)):
        # httpx leaves it out where it is redirected to another host.
        headers["Authorization"] = f"Bearer {token}"
    if part.size and part.version.validator:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.version.validator}
    try:
        with client.stream("GET", remote.url, headers=headers) as response:
            _begin(response, remote, part)
            _receive(response, remote, part, progress)
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise download_error(remote, str(error).rstrip(".")) from error
    except httpx.TransportError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise download_error(remote, "the server's certificate is not valid here") from error
        raise _BrokenError(_first_line(error)) from error


def _begin(response: httpx.Response, remote: RemoteFile, part: PartialFile) -> None:
    """Judge the response's head, and make the part ready for its body."""
    if remote.url.startswith("https:") and response.url.scheme != "https":
        raise download_error(remote, "redirected from https to http")
    status = response.status_code
    if status == 206 and part.size:
        _check_continues(response, part)
    elif status == 200:
        _check_whole(response, remote)
        part.restart(_version(response))
    elif status in (206, 416):
        part.restart(Version())
        raise _BrokenError(f"HTTP {status} for a range that the file does not have")
    elif status in (408, 425, 429) or status >= 500:
        raise _BrokenError(f"HTTP {status}", _retry_after_seconds(response))
    else:
        raise download_error(remote, f"HTTP {status} {response.reason_phrase}".rstrip())
    _check_size(remote, part, part.version.bytes or 0)


def _receive(
    response: httpx.Response, remote: RemoteFile, part: PartialFile, progress: Progress
) -> None:
    total = part.version.bytes
    progress(part.size, total)
    with part.path.open("ab") as file:
        for block in response.iter_raw():
            _check_size(remote, part, part.size + len(block))
            part.add(file, block)
            progress(part.size, total)
    if total is not None and part.size < total:
        raise _BrokenError(f"the connection ended after {part.size:,} of {total:,} bytes")
    if total is None:
        part.version = replace(part.version, bytes=part.size)


def _check_continues(response: httpx.Response, part: PartialFile) -> None:
    """A 206 must go on exactly where the part ends, with the very same version."""
    pattern = rf"bytes ({_NUMBER})-{_NUMBER}/({_NUMBER}|\*)"
    match = re.fullmatch(pattern, response.headers.get("Content-Range", ""))
    total = part.version.bytes
    fits = match and int(match[1]) == part.size and match[2] in ("*", str(total or match[2]))
    if not fits or _validator(response) not in (None, part.version.validator):
        part.restart(Version())
        raise _BrokenError("the server sent another range or another version than asked for")


def _check_whole(response: httpx.Response, remote: RemoteFile) -> None:
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "")
    if _length(response) is None and not chunked and remote.sha256 is None:
        raise download_error(
            remote, "the server does not say how long it is, so it may be cut short"
        )


def _check_size(remote: RemoteFile, part: PartialFile, size: int) -> None:
    if size > remote.max_bytes:
        part.restart(Version())
        raise download_error(remote, f"it is larger than the {remote.max_bytes:,} bytes allowed")


def _version(response: httpx.Response) -> Version:
    return Version(_validator(response), _length(response))


def _length(response: httpx.Response) -> int | None:
    value = response.headers.get("Content-Length", "")
    return int(value) if re.fullmatch(_NUMBER, value) else None


def _validator(response: httpx.Response) -> str | None:
    """A strong validator (RFC 9110, 8.8.1), or None: without one a part is never resumed."""
    from email.utils import parsedate_to_datetime

    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        return str(etag)
    changed, now = response.headers.get("Last-Modified"), response.headers.get("Date")
    with suppress(ValueError, TypeError):
        # RFC 9110, 8.8.2.2: a date is strong once a second change could no longer share it.
        if (parsedate_to_datetime(now) - parsedate_to_datetime(changed)).total_seconds() >= 1:
            return str(changed)
    return None


def _retry_after_seconds(response: httpx.Response) -> float | None:
    """Seconds or a date (RFC 9110, 10.2.3)."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(_NUMBER, value):
        return float(value)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    return None


def download_error(remote: RemoteFile, why: str) -> SourceError:
    """The error that a download ends with."""
    return SourceError(
        f"could not download it: {why}", where=hide_secrets(remote.url), todo=remote.how_to_go_local
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
