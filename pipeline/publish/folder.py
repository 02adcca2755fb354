"""A CDN folder on this machine: immutable files, then the manifest, then the channel.

Everything is written aside and renamed, in that order, so that a reader sees
the release before or the release after, and nothing between.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.digest import digest, file_digest
from pipeline.errors import PipelineError
from pipeline.files import write_aside

#: Digits of a release's digest in its name: 64 bits, and a clash is refused, not overwritten.
ID_DIGITS = 16


#: What publishing adds to a manifest: it decides neither the release's name nor its content.
ADDED = ("release", "created", "report")

#: Given a whole manifest, writes ``report.html`` and its like into a folder.
Report = Callable[[Mapping[str, Any], Path], None]


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
    """The folder that ``publish.to`` names."""
    return Path(to.removeprefix("file://"))


def publish(
    manifest: Mapping[str, Any],
    artifact: Callable[[str], Path],
    to: Path,
    channel: str,
    report: Report | None = None,
) -> Release:
    """Add a release and move the channel to it.

    Args:
        manifest: without ``release`` and ``created``.
        artifact: gives the ARTIFACT folder of an artifact id; asked only for what is missing.
        to: the CDN folder.
        report: writes a new release's report; asked only where the release is not there yet.

    Raises:
        PipelineError: the folder cannot be written; readers see what they saw before.
    """
    model = to / manifest["name"]
    release_id = digest("release", manifest)[:ID_DIGITS]
    try:
        if _reads_so(to, model, manifest, channel, release_id):
            known = _read_release(model / "releases" / release_id, manifest)
            return Release(release_id, model, known, new=False, copied=0)
        with _alone(model, ".", "files", "releases"):
            missing = _missing(model, manifest)
            for name, file in missing:
                _add_file(artifact(name) / file["path"], model / file["path"], file)
            full = _add_release(model, release_id, manifest, report)
            _move_channel(model, channel, release_id)
        with _alone(to, "."):
            _write_index(to)
    except OSError as error:
        raise PipelineError(
            f"{error.strerror}: {error.filename}",
            where=str(to),
            todo="make room or give write access, then build again; nothing was half published",
        ) from error
    copied = len({file["path"] for _, file in missing})
    return Release(release_id, model, full, new=True, copied=copied)


def _reads_so(
    to: Path, model: Path, manifest: Mapping[str, Any], channel: str, release: str
) -> bool:
    """Whether the folder is already as publishing would leave it: then nothing is locked."""
    try:
        pointer = json.loads((model / f"{channel}.json").read_text())
        index = json.loads((to / "index.json").read_text())
        listed = index["models"][manifest["name"]]["channels"][channel]
    except (OSError, ValueError, KeyError):
        return False
    there = (model / "releases" / release / "manifest.json").exists()
    named = pointer.get("release") == listed == release
    return there and named and not _missing(model, manifest)


def _missing(model: Path, manifest: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Files of a release that are not published yet, each with the artifact that has it."""
    return [
        (artifact["id"], file)
        for artifact in manifest["artifacts"]
        for file in artifact["files"]
        if not _is_there(model / file["path"], file)
    ]


@contextmanager
def _alone(folder: Path, *places: str) -> Iterator[None]:
    """One publisher at a time, and no leftovers of one that was killed."""
    from filelock import FileLock

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


def _read_release(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a release that is there; it never changes."""
    known: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    if {k: v for k, v in known.items() if k not in ADDED} != manifest:
        raise PipelineError("another release has this name", where=str(folder))
    return known


def _add_release(
    model: Path, release: str, manifest: Mapping[str, Any], report: Report | None
) -> dict[str, Any]:
    """Write the release's folder, unless it was written before."""
    folder = model / "releases" / release
    if (folder / "manifest.json").exists():
        return _read_release(folder, manifest)
    head = {key: manifest[key] for key in ("schema", "name", "task")}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    named = {"report": f"releases/{release}/report.html"} if report else {}
    full = {**head, "release": release, "created": created, **named, **manifest}
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    if report:
        report(full, aside)
    write_aside(aside / "manifest.json", json.dumps(full, indent=1).encode())
    aside.chmod(0o755)
    aside.rename(folder)
    return full


def _move_channel(model: Path, channel: str, release: str) -> None:
    """Point a channel at a release."""
    manifest = f"releases/{release}/manifest.json"
    sha256, _ = file_digest(model / manifest)
    content = json.dumps({"release": release, "manifest": manifest, "sha256": sha256}, indent=1)
    write_aside(model / f"{channel}.json", content.encode())


def _write_index(to: Path) -> None:
    models = {
        folder.name: {
            "channels": channels(folder),
            "releases": releases(folder),
        }
        for folder in sorted(to.iterdir())
        if (folder / "releases").is_dir()
    }
    write_aside(to / "index.json", json.dumps({"models": models}, indent=1).encode())


def channels(model: Path) -> dict[str, str]:
    """The channels of a model's folder, and the release that each points to."""
    found = {}
    for path in sorted(model.glob("[!.]*.json")):
        with suppress(ValueError, KeyError, TypeError):
            found[path.stem] = json.loads(path.read_text())["release"]
    return found


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
                **({"report": manifest["report"]} if "report" in manifest else {}),
                "artifacts": artifacts,
            }
        )
    return sorted(found, key=lambda release: (release["created"], release["release"]))
