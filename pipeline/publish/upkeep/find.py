"""Finds a published manifest by what people call it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.publish.release.channel import channels
from pipeline.publish.release.index import releases
from pipeline.storage.layout import MANIFEST
from pipeline.storage.local import LocalStorage


def find_release(name: str | None, cdn: Path) -> Path:
    """The manifest that ``name`` stands for.

    Args:
        name: a release id or its beginning, a channel, a model or ``MODEL/CHANNEL``; or the path
            of a manifest, of a release's, a model's or a CDN folder. By default the latest
            release of the only model.
        cdn: the CDN folder to look in.

    Raises:
        ConfigError: nothing, or more than one, is called so; it says what there is.
    """
    if name is None:
        return _of_cdn(cdn, None)
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir() and _holds_releases(path):
        return _of_folder(path)
    return _of_cdn(cdn, name)


def read(path: Path) -> dict[str, Any]:
    """Read a manifest.

    Raises:
        ConfigError: the file is none.
    """
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
        made = manifest["artifacts"]
        if manifest["name"] and made and all(one["id"] for one in made):
            return manifest
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ConfigError(
        "is no manifest of a release", where=str(path), todo="`pipeline list` names what there is"
    )


def _holds_releases(folder: Path) -> bool:
    """Whether it is more than a folder that is called as a model or a channel is."""
    places = (MANIFEST, "releases", "*/releases")
    return any(any(folder.glob(place)) for place in places)


def _of_folder(folder: Path) -> Path:
    """A release's folder, a model's, or a CDN folder."""
    if (folder / MANIFEST).exists():
        return folder / MANIFEST
    if (folder / "releases").is_dir():
        return _of_model(folder)
    return _of_cdn(folder, None)


def _of_model(model: Path) -> Path:
    """What the channel ``latest`` of a model points to, else its newest release."""
    pointed = _channels(model).get("latest")
    newest = [release["release"] for release in _releases(model)]
    if not newest:
        raise ConfigError("no release is published there", where=str(model), todo=_TODO)
    return _manifest(model, pointed or newest[-1])


def _of_cdn(cdn: Path, name: str | None) -> Path:
    models = [folder for folder in sorted(cdn.glob("*")) if (folder / "releases").is_dir()]
    if not models:
        raise ConfigError("nothing is published there", where=str(cdn), todo=_TODO)
    if name is None:
        found = [_of_model(models[0])] if len(models) == 1 else []
        return _only(found, "the release to report on", cdn, [folder.name for folder in models])
    found = sorted({path for model in models for path in _called(model, name)})
    names = [known for model in models for known in _names(model)]
    return _only(found, name, cdn, names)


def _called(model: Path, name: str) -> Iterator[Path]:
    """What of a model's releases is called so."""
    if name == model.name:
        yield _of_model(model)
    for channel, release in _channels(model).items():
        if name in (channel, f"{model.name}/{channel}"):
            yield _manifest(model, release)
    short = name.removeprefix(f"{model.name}/")
    for known in _releases(model):
        if len(short) >= 4 and known["release"].startswith(short):
            yield _manifest(model, known["release"])


def _names(model: Path) -> Iterator[str]:
    yield model.name
    yield from (f"{model.name}/{channel}" for channel in _channels(model))
    yield from (release["release"] for release in _releases(model))


def _only(found: list[Path], name: str, cdn: Path, names: list[str]) -> Path:
    if len(found) == 1:
        return found[0]
    what = f'"{name}" is none of the releases there' if not found else f'"{name}" is several'
    near = get_close_matches(name, names, n=3, cutoff=0.5) or names[:6]
    raise ConfigError(what, where=str(cdn), todo=f"name one of {', '.join(near)}")


def _channels(model: Path) -> dict[str, str]:
    return channels(LocalStorage(model.parent), model.name)


def _releases(model: Path) -> list[dict[str, Any]]:
    return releases(LocalStorage(model.parent), model.name)


def _manifest(model: Path, release: str) -> Path:
    return model / "releases" / release / MANIFEST


_TODO = "run `pipeline build`, or name another folder with --cdn"
