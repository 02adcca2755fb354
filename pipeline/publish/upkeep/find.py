"""Finds a published manifest by what people call it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigError
from pipeline.cdn.tree import Model, holds_releases, list_models
from pipeline.manifest.parse import MOST_BYTES, ManifestError, parse_manifest
from pipeline.publish.release.index import list_releases
from pipeline.storage.layout import MANIFEST
from pipeline.storage.local import LocalStorage

if TYPE_CHECKING:
    from pipeline.manifest.release import ReleaseManifest


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
        return _of_cdn(list_models(LocalStorage(cdn)), cdn, None)
    path = Path(name)
    if path.is_file():
        return path
    # It need not be more than a folder that is called as a model or a channel is.
    release = _of_folder(path.resolve()) if path.is_dir() else None
    return release or _of_cdn(list_models(LocalStorage(cdn)), cdn, name)


def read(path: Path) -> ReleaseManifest:
    """Read a manifest.

    Raises:
        ConfigError: the file is none.
    """
    try:
        with path.open("rb") as file:
            return parse_manifest(file.read(MOST_BYTES + 1))
    except (OSError, ManifestError) as error:
        raise ConfigError(
            "is no manifest of a release",
            where=str(path),
            todo="`pipeline list` names what there is",
        ) from error


def _of_folder(folder: Path) -> Path | None:
    """A release's folder, a model's, or a CDN folder; ``None`` for any other one."""
    storage = LocalStorage(folder)
    if MANIFEST in storage.names(""):
        return folder / MANIFEST
    if holds_releases(storage, ""):
        return _of_model(Model(LocalStorage(folder.parent), folder.name))
    models = list_models(storage)
    return _of_cdn(models, folder, None) if models else None


def _of_model(model: Model) -> Path:
    """What the channel ``latest`` of a model points to, else its newest release."""
    pointed = model.channels().get("latest")
    newest = [release["release"] for release in list_releases(model)]
    if not newest:
        raise _nothing(f"{model.storage.where}/{model.name}")
    return _manifest(model, pointed or newest[-1])


def _of_cdn(models: Sequence[Model], cdn: Path, name: str | None) -> Path:
    if not models:
        raise _nothing(str(cdn))
    if name is None:
        paths = [_of_model(models[0])] if len(models) == 1 else []
        return _only(paths, "the release to report on", cdn, [model.name for model in models])
    paths = sorted({path for model in models for path in _find_named(model, name)})
    names = [name for model in models for name in _names(model)]
    return _only(paths, name, cdn, names)


def _nothing(where: str) -> ConfigError:
    todo = "run `pipeline build`, or name another folder with --cdn"
    return ConfigError("nothing is published there", where=where, todo=todo)


def _find_named(model: Model, name: str) -> Iterator[Path]:
    """What of a model's releases is called so."""
    if name == model.name:
        yield _of_model(model)
    for channel, release in model.channels().items():
        if name in (channel, f"{model.name}/{channel}"):
            yield _manifest(model, release)
    short = name.removeprefix(f"{model.name}/")
    for id_ in model.releases():
        if len(short) >= 4 and id_.startswith(short):
            yield _manifest(model, id_)


def _names(model: Model) -> Iterator[str]:
    yield model.name
    yield from (f"{model.name}/{channel}" for channel in model.channels())
    yield from model.releases()


def _only(paths: list[Path], name: str, cdn: Path, names: list[str]) -> Path:
    if len(paths) == 1:
        return paths[0]
    what = f'"{name}" is none of the releases there' if not paths else f'"{name}" is several'
    near = get_close_matches(name, names, n=3, cutoff=0.5) or names[:6]
    raise ConfigError(what, where=str(cdn), todo=f"name one of {', '.join(near)}")


def _manifest(model: Model, release: str) -> Path:
    return Path(model.release(release).where)
