"""Downloads one file over http(s): resumed, retried, checked, and kept by its digest.

A downloads folder holds ``<sha256>`` (whole files, mode 0444), ``index.json`` (which URL
gave which), and, for a download under way, ``<digest of the URL>.part`` beside
``<digest of the URL>.json`` (what the server said about the version that the part is of).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pipeline.base.digest import file_digest
from pipeline.base.errors import PipelineError, SourceError
from pipeline.base.files import write_aside
from pipeline.download.address import hide_secrets, is_web_address
from pipeline.download.partial import PartialFile, Version
from pipeline.download.remote_file import LocalFile, Patience, Progress, RemoteFile
from pipeline.download.transfer import complete


def fetch(
    remote: RemoteFile, downloads: Path, *, progress: Progress, patience: Patience | None = None
) -> LocalFile:
    """Give the file from ``downloads``, after downloading it where it is not yet there.

    Any number of processes may call this at once. Raises SourceError where the file cannot
    be had or is not the expected one; PipelineError where ``downloads`` cannot be written.
    A download that breaks, in this process or with it, is resumed by the next call.
    """
    _check_scheme(remote)
    from filelock import FileLock

    try:
        downloads.mkdir(parents=True, exist_ok=True)
        if cached := _find_cached(remote, downloads):
            return cached
        with FileLock(downloads / f"{_digest(remote.url)}.lock"):
            return _find_cached(remote, downloads) or _download(
                remote, downloads, progress, patience or Patience()
            )
    except OSError as error:
        raise PipelineError(
            f"could not write the download ({error.strerror or error})",
            where=str(error.filename or downloads),
            todo="make room or make the folder writable, and run again: it goes on where it was",
        ) from error


# -- what is there already ---------------------------------------------------------------


def _find_cached(remote: RemoteFile, downloads: Path) -> LocalFile | None:
    sha256 = remote.sha256 or _index(downloads).get(_digest(remote.url), {}).get("sha256")
    if sha256 is None:
        return None
    path = downloads / sha256
    try:
        if file_digest(path)[0] != sha256:
            return None
    except FileNotFoundError:
        return None
    return LocalFile(path, sha256, path.stat().st_size)


def _index(downloads: Path) -> dict[str, dict[str, str]]:
    """Digest of a URL -> what came from it. It only saves work: a damaged one is an empty one."""
    try:
        entries = json.loads((downloads / "index.json").read_text())
        return {
            key: {"url": value["url"], "sha256": value["sha256"]} for key, value in entries.items()
        }
    except (FileNotFoundError, ValueError, AttributeError, KeyError, TypeError):
        return {}


def _note(remote: RemoteFile, sha256: str, downloads: Path) -> None:
    from filelock import FileLock

    with FileLock(downloads / "index.lock"):
        index = _index(downloads)
        index[_digest(remote.url)] = {"url": hide_secrets(remote.url), "sha256": sha256}
        write_aside(downloads / "index.json", json.dumps(index, indent=1, sort_keys=True) + "\n")


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _download(
    remote: RemoteFile, downloads: Path, progress: Progress, patience: Patience
) -> LocalFile:
    part = PartialFile(downloads / _digest(remote.url))
    complete(remote, part, progress, patience)
    if remote.sha256 not in (None, part.hash.hexdigest()):
        # A part that a crash or another program damaged looks the same as a wrong file.
        part.restart(Version())
        complete(remote, part, progress, patience)
    sha256, size = part.hash.hexdigest(), part.size
    if remote.sha256 not in (None, sha256):
        part.restart(Version())
        raise _wrong_digest(remote, sha256)
    part.keep_as(downloads / sha256)
    _note(remote, sha256, downloads)
    return LocalFile(downloads / sha256, sha256, size)


# -- what to say -------------------------------------------------------------------------


def _check_scheme(remote: RemoteFile) -> None:
    if not is_web_address(remote.url):
        raise SourceError(
            "this is not an http or https address",
            where=hide_secrets(remote.url),
            todo=remote.how_to_go_local,
        )


def _wrong_digest(remote: RemoteFile, sha256: str) -> SourceError:
    return SourceError(
        f"the downloaded file has sha256 {sha256}, expected {remote.sha256} "
        f"(written in {remote.sha256_from})",
        where=hide_secrets(remote.url),
        todo="if the new file is to be trusted, write its digest there; "
        f"otherwise {remote.how_to_go_local}",
    )
