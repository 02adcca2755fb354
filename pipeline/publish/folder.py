"""A CDN folder on this machine: immutable files, then the manifest, then the channel.

Everything is written aside and renamed, in that order, so that a reader sees
the release before or the release after, and nothing between.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.digest import digest, file_digest
from pipeline.errors import ConfigError, PipelineError
from pipeline.store import write_aside

#: Digits of a release's digest in its name: 64 bits, and a clash is refused, not overwritten.
ID_DIGITS = 16


@dataclass(frozen=True)
class Release:
    """A published set of artifacts."""

    id: str
    folder: Path
    """The model's folder in the CDN folder."""
    manifest: dict[str, Any]
    new: bool
    """Whether this call changed what a channel's readers see."""
    copied: int
    """Files that were not there before."""


def cdn_folder(to: str) -> Path:
    """The folder that ``publish.to`` names.

    Raises:
        ConfigError: it is an address of another kind of place.
    """
    if re.match(r"^[a-z][a-z0-9+.-]+://", to) and not to.startswith("file://"):
        raise ConfigError(
            f"{to} is not a folder on this machine",
            where="publish.to",
            todo="publish to a folder and copy it to the bucket: files, then manifests, "
            "then the channels",
        )
    return Path(to.removeprefix("file://"))


def publish(
    manifest: Mapping[str, Any], artifact: Callable[[str], Path], to: Path, channel: str
) -> Release:
    """Add a release and move the channel to it.

    Args:
        manifest: without ``release`` and ``created``.
        artifact: gives the ARTIFACT folder of an artifact id; asked only for what is missing.
        to: the CDN folder.

    Raises:
        PipelineError: the folder cannot be written; readers see what they saw before.
    """
    model = to / manifest["name"]
    release_id = digest("release", manifest)[:ID_DIGITS]
    try:
        with _alone(model, ".", "files", "releases"):
            missing = [
                (described["id"], file)
                for described in manifest["artifacts"]
                for file in described["files"]
                if not _is_there(model / file["path"], file)
            ]
            for name, file in missing:
                _add_file(artifact(name) / file["path"], model / file["path"], file)
            full = _add_release(model, release_id, manifest)
            moved = _move_channel(model, channel, release_id)
        if moved:
            with _alone(to, "."):
                _write_index(to)
    except OSError as error:
        raise PipelineError(
            f"{error.strerror}: {error.filename}",
            where=str(to),
            todo="make room or give write access, then build again; nothing was half published",
        ) from error
    return Release(release_id, model, full, moved, len({file["path"] for _, file in missing}))


@contextmanager
def _alone(folder: Path, *places: str) -> Iterator[None]:
    """One publisher at a time, and no leftovers of one that was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        # Only of places that this lock guards: not of the models below a CDN folder.
        for leftover in (p for place in places for p in (folder / place).glob(".new-*")):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
        yield


def _is_there(target: Path, file: Mapping[str, Any]) -> bool:
    """Whether a file was published before; its name is its digest, so it is never rewritten."""
    try:
        return target.stat().st_size == int(file["bytes"])
    except FileNotFoundError:
        return False


def _add_file(source: Path, target: Path, file: Mapping[str, Any]) -> None:
    """Copy one file aside, check it, and give it its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as copy, source.open("rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        if file_digest(aside)[0] != file["sha256"]:
            raise PipelineError(
                "changed while it was copied", where=str(source), todo="build again"
            )
        aside.chmod(0o644)
        aside.replace(target)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


def _add_release(model: Path, release: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write the release's folder, or read it: a release that is there never changes."""
    folder = model / "releases" / release
    if (folder / "manifest.json").exists():
        known: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        if {k: v for k, v in known.items() if k not in ("release", "created")} != manifest:
            raise PipelineError("another release has this name", where=str(folder))
        return known
    head = {key: manifest[key] for key in ("schema", "name", "task")}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    full = {**head, "release": release, "created": created, **manifest}
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    write_aside(aside / "manifest.json", json.dumps(full, indent=1).encode())
    aside.chmod(0o755)
    aside.rename(folder)
    return full


def _move_channel(model: Path, channel: str, release: str) -> bool:
    """Point a channel at a release; whether it pointed elsewhere before."""
    manifest = f"releases/{release}/manifest.json"
    sha256, _ = file_digest(model / manifest)
    content = json.dumps({"release": release, "manifest": manifest, "sha256": sha256}, indent=1)
    pointer = model / f"{channel}.json"
    if pointer.exists() and pointer.read_text() == content:
        return False
    write_aside(pointer, content.encode())
    return True


def _write_index(to: Path) -> None:
    models = {
        folder.name: {
            "channels": {c.stem: json.loads(c.read_text())["release"] for c in channels(folder)},
            "releases": releases(folder),
        }
        for folder in sorted(to.iterdir())
        if (folder / "releases").is_dir()
    }
    write_aside(to / "index.json", json.dumps({"models": models}, indent=1).encode())


def channels(model: Path) -> list[Path]:
    """The channel files of a model's folder."""
    return sorted(path for path in model.glob("*.json") if not path.name.startswith("."))


def releases(model: Path) -> list[dict[str, Any]]:
    """Name, date and artifacts of each release, oldest first."""
    found = []
    for path in (model / "releases").glob("[!.]*/manifest.json"):
        manifest = json.loads(path.read_text())
        artifacts = [artifact["id"] for artifact in manifest["artifacts"]]
        found.append(
            {
                "release": manifest["release"],
                "created": manifest["created"],
                "manifest": f"releases/{path.parent.name}/manifest.json",
                "artifacts": artifacts,
            }
        )
    return sorted(found, key=lambda release: (release["created"], release["release"]))
