"""``index.json``: every model, its channels and releases; several publishers add to it at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.publish.release.channel import channels, manifest_path
from pipeline.storage.base import Content, Readable, Storage
from pipeline.storage.layout import MANIFEST

PATH = "index.json"

#: Each time that a swap is lost, another publisher got its own done.
ATTEMPTS = 50

#: What is raised by a file that is no index.
BROKEN = (ValueError, KeyError, TypeError, AttributeError)

Models = dict[str, dict[str, Any]]


def read(storage: Readable) -> Models:
    """The index as it is; empty where there is none."""
    return _models(storage.read(PATH))


def known(storage: Readable) -> Models:
    """The index of a place where something has to be published.

    Raises:
        ConfigError: nothing is.
        PipelineError: the index is broken.
    """
    content = storage.read(PATH)
    if content is None:
        raise ConfigError(
            "nothing is published there",
            where=storage.where,
            todo="run `pipeline build`, or name another CDN folder",
        )
    try:
        return _parsed(content)
    except BROKEN as error:
        raise PipelineError(
            "is no index",
            where=f"{storage.where}/{PATH}",
            todo="publish again, or move a channel: both write it anew",
        ) from error


def _models(content: Content | None) -> Models:
    with suppress(*BROKEN):
        return _parsed(content) if content else {}
    return {}


def _parsed(content: Content) -> Models:
    models = json.loads(content.data)["models"]
    return {name: dict(model) for name, model in models.items()}


def update(storage: Storage, name: str) -> None:
    """Bring the index to say of a model what is there; what it says of others stays.

    What is there is looked up after the index was read, and the index is swapped: so whoever
    changes a channel last also writes last what it points to.
    """
    for _ in range(ATTEMPTS):
        before = storage.read(PATH)
        data = _merged(storage, _models(before), name)
        if before is not None and before.data == data:
            return
        if storage.swap(PATH, data, before):
            return
    raise PipelineError(
        "others keep changing the index",
        where=f"{storage.where}/{PATH}",
        todo="everything is published; the same command again brings the index up to date",
    )


def _merged(storage: Storage, known: Models, name: str) -> bytes:
    models = {}
    for folder in folders(storage):
        if folder != name and folder in known:
            models[folder] = known[folder]
        elif folder == name or "releases/" in storage.names(folder):
            listed = known.get(folder, {}).get("releases", [])
            pointing = channels(storage, folder)
            models[folder] = {
                **_about(storage, folder, pointing),
                "channels": pointing,
                "releases": releases(storage, folder, listed),
            }
    return json.dumps({"models": models}, indent=1).encode()


def shown_channel(channels: Mapping[str, str]) -> str | None:
    """The channel that stands for a model: ``latest`` where there is one."""
    return "latest" if "latest" in channels else min(channels, default=None)


def _about(storage: Storage, name: str, channels: Mapping[str, str]) -> dict[str, Any]:
    """What a list of models says of one; nothing where no channel points to a whole release."""
    release = channels.get(shown_channel(channels) or "")
    with suppress(*BROKEN):
        content = storage.read(f"{name}/{manifest_path(release)}") if release else None
        return {"about": about(json.loads(content.data))} if content else {}
    return {}


def about(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a release is, in a few values: ``bytes`` to download of its smallest and largest."""
    sizes = [wire_bytes(artifact) for artifact in manifest["artifacts"]]
    task = manifest.get("task")
    return {
        "description": manifest.get("description"),
        "license": manifest.get("license"),
        "task": task,
        "accuracy": (manifest.get("accuracy") or {}).get("value"),
        "artifacts": len(sizes),
        "bytes": [min(sizes), max(sizes)],
        # Pages make inputs of images by the task's code, where a release has it.
        "demo": task in (manifest.get("runtimes") or {}),
    }


def wire_bytes(artifact: Mapping[str, Any]) -> int:
    """What an artifact takes on the way to a page, of hosts that compress."""
    files = artifact["files"]
    return sum(file.get("br_bytes") or file["bytes"] for file in files)


def releases(
    storage: Storage, name: str, known: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Name, date and artifacts of each release, oldest first.

    Args:
        known: what an index said before; releases never change, so they need not be read again.
    """
    before = {one["release"]: one for one in known or []}
    found = [before.get(release) or _read(storage, name, release) for release in ids(storage, name)]
    return sorted((one for one in found if one), key=lambda one: (one["created"], one["release"]))


def folders(storage: Storage) -> list[str]:
    """The folders of a CDN folder: of models, and others."""
    return [name.rstrip("/") for name in storage.names("") if name.endswith("/")]


def models(storage: Storage) -> list[str]:
    """The folders that hold releases."""
    return [name for name in folders(storage) if "releases/" in storage.names(name)]


def ids(storage: Storage, name: str) -> list[str]:
    """The releases that are whole: those with a manifest."""
    files = storage.walk(f"{name}/releases")
    parts = [path.removeprefix(f"{name}/releases/").split("/") for path in files]
    whole = [part[0] for part in parts if part[1:] == [MANIFEST]]
    return sorted(release for release in whole if not release.startswith("."))


def _read(storage: Storage, name: str, release: str) -> dict[str, Any] | None:
    """``None`` for what is no manifest: that is for ``pipeline verify`` to say."""
    with suppress(ValueError, KeyError, TypeError):
        content = storage.read(f"{name}/{manifest_path(release)}")
        return entry(json.loads(content.data)) if content else None
    return None


def entry(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the index says of a release."""
    return {
        "release": manifest["release"],
        "created": manifest["created"],
        "manifest": manifest_path(manifest["release"]),
        **({"report": manifest["report"]} if "report" in manifest else {}),
        "artifacts": [artifact["id"] for artifact in manifest["artifacts"]],
    }
