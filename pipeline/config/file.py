"""YAML to ``Config``: every error at once, each with its file, line and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.backends import targets
from pipeline.base.errors import ConfigError
from pipeline.config.bounds import known_keys
from pipeline.config.config import Config
from pipeline.config.override import override
from pipeline.config.problems import join_location, printable, problem, suggest
from pipeline.config.type import config_type
from pipeline.config.yaml import Location, read


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Parse a config.

    Args:
        path: a YAML file. Paths in it are read from the folder it lies in.
        overrides: ``a.b.c=value`` assignments that replace keys of the file.

    Raises:
        ConfigError: with every error found, one a line.
    """
    document = read(Path(path))
    for assignment in overrides:
        override(document, assignment)
    problems = list(_cross_check(document.data))
    config = None
    try:
        config = config_type().model_validate(
            document.data,
            context={
                "folder": document.path.parent,
                "path": document.path,
                "load": partial(_load_detector, overrides),
            },
        )
    except ValidationError as error:
        of_model = [problem(details, document.data) for details in error.errors()]
        places = {location for location, _ in of_model}
        problems = of_model + [other for other in problems if other[0] not in places]
    if problems or config is None:
        problems.sort(key=lambda problem: document.line(problem[0]))
        lines = [f"{document.where(loc)}: {join_location(loc)}{text}" for loc, text in problems]
        raise ConfigError("\n".join(dict.fromkeys(map(printable, lines))))
    return config


#: Where and how hard a model is proved, and where it goes: a detector as the model behind it.
_SHARED = ("validate.backends", "validate.repeats", "validate.threads", "publish.")


def _load_detector(overrides: Sequence[str], path: Path) -> Config:
    """The config that ``region.detector`` names.

    Raises:
        ConfigError: it is wrong, or finds nothing in images.
    """
    detector = load_config(path, [one for one in overrides if one.startswith(_SHARED)])
    reason = (
        "has a region itself" if detector.region
        else "has variants that are searched for" if detector.is_searched
        else "does not read images" if detector.input.kind != "image"
        else "tells no answers" if detector.purpose.task.answers is None
        else ""
    )  # fmt: skip
    if reason:
        todo = "name the config of a model that finds boxes or points in images"
        raise ConfigError(f"{path.name} {reason}", where="region.detector", todo=todo)
    return detector


def place(path: Path, overrides: Sequence[str], key: str) -> str:
    """Where a config says what stands at a key, as ``publish.to``: the file and line, or --set."""
    document = read(path)
    for assignment in overrides:
        override(document, assignment)
    return document.where(tuple(key.split(".")))


def _cross_check(data: Any) -> Iterable[tuple[Location, str]]:
    """Names in one place of a config that must exist in another."""
    variants = _names(data.get("variants"))
    formats = _names(data.get("export"))
    for name in formats:
        options = (data["export"].get(name) or {}) if isinstance(data["export"], dict) else {}
        names = options.get("variants") if isinstance(options, dict) else None
        for index, variant in enumerate(names if isinstance(names, list) else []):
            if variant not in variants:
                place = ("export", name, "variants", index)
                yield place, f' is "{variant}", no variant{suggest(str(variant), variants)}'
    yield from _check_validate(data.get("validate"), variants, formats)


def _check_validate(
    data: Any, variants: list[str], formats: list[str]
) -> Iterable[tuple[Location, str]]:
    if not isinstance(data, dict):
        return
    yield from _check_targets(data.get("backends"))
    artifacts = [f"{f}/{v}" for f in formats for v in variants]
    names = ["default", *variants, *formats, *artifacts]
    places = [name for name in targets.names() if name != targets.ALL]
    for key in _names(data.get("gates")):
        keys = known_keys(key, names, places)
        if key not in keys:
            yield ("validate", "gates", key), f" names nothing{suggest(key, keys)}"


def _check_targets(backends: Any) -> Iterable[tuple[Location, str]]:
    place: Location = ("validate", "backends")
    named = [(place, backends)] if isinstance(backends, str) else []
    if isinstance(backends, list):
        named = [((*place, index), str(name)) for index, name in enumerate(backends)]
    for where, name in named:
        if wrong := targets.problem(name):
            yield where, f' is "{name}"{wrong}'


def _names(value: Any) -> list[str]:
    return [str(key) for key in value] if isinstance(value, dict) else []
