"""``index.json``: every model, its channels and releases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NotRequired, TypedDict, cast

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.cdn.tree import is_release
from pipeline.storage import Readable
from pipeline.storage.layout import INDEX, NAME

#: No index is larger.
MOST_BYTES = 2**26


class ReleaseSummary(TypedDict):
    """What a release is, in a few values."""

    description: str | None
    license: str | None
    task: str | None
    accuracy: float | None
    metric: NotRequired[str | None]
    """What that is, by name; indexes of before do not say."""
    artifacts: int
    bytes: list[int]
    """To download, of its smallest and largest artifact."""
    demo: bool
    """Whether the demo page can show it."""


class ReleaseEntry(TypedDict):
    """One release."""

    release: str
    created: str
    manifest: str
    """Path from the model's folder."""
    report: NotRequired[str]
    artifacts: list[str]


class ModelEntry(TypedDict):
    """One model."""

    about: NotRequired[ReleaseSummary]
    """Of the release that stands for it."""
    channels: dict[str, str]
    """Channel -> release."""
    releases: list[ReleaseEntry]
    """Oldest first."""


Models = dict[str, ModelEntry]


def parse_index(content: bytes) -> Models:
    """The models of an index, whose names lead nowhere else.

    Raises:
        ValueError: it is no index.
    """
    try:
        models = json.loads(content)["models"]
        for name, model in models.items():
            _check_names((name, *model["channels"]))
            _check_releases((*model["channels"].values(), *map(_release, model["releases"])))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it says nothing of models: {error!r}") from error
    return cast("Models", models)


def _check_names(names: Iterable[object]) -> None:
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            raise ValueError(f"{name!r} is no name")


def _release(entry: Mapping[str, object]) -> object:
    if not isinstance(entry["created"], str) or not isinstance(entry["artifacts"], list):
        raise TypeError(entry)
    return entry["release"]


def _check_releases(releases: Iterable[object]) -> None:
    for release in releases:
        if not is_release(release):
            raise ValueError(f"{release!r} is no release")


def load_index(storage: Readable) -> Models | None:
    """The index; ``None`` where there is none.

    Raises:
        ValueError: it is no index.
    """
    content = storage.read(INDEX, MOST_BYTES)
    return parse_index(content.data) if content else None


def read_index(storage: Readable) -> Models:
    """The index as it is; empty where there is none."""
    with suppress(ValueError):
        return load_index(storage) or {}
    return {}


def known_index(storage: Readable) -> Models:
    """The index of a place where something has to be published.

    Raises:
        ConfigError: nothing is.
        PipelineError: the index is broken.
    """
    try:
        if (models := load_index(storage)) is not None:
            return models
    except ValueError as error:
        raise PipelineError(
            "is no index",
            where=f"{storage.where}/{INDEX}",
            todo="publish again, or move a channel: both write it anew",
        ) from error
    raise ConfigError(
        "nothing is published there",
        where=storage.where,
        todo="run `pipeline build`, or name another CDN folder",
    )


def shown_channel(channels: Mapping[str, str]) -> str | None:
    """The channel that stands for a model: ``latest`` where there is one."""
    return "latest" if "latest" in channels else min(channels, default=None)
