"""YAML to ``Config``: every error at once, each with its file, line and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml
from pydantic import ValidationError

from pipeline.config import Config
from pipeline.config_type import config_type
from pipeline.errors import ConfigError
from pipeline.validate import targets
from pipeline.validate.gates import known_keys

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_BYTES = 2**20
MAX_NODES = 100_000

Location = tuple[str | int, ...]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which ``on``, ``no`` and their like are words, as since version 1.2."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, words) for tag, words in found if first in "tTfF" or "bool" not in tag]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass
class Document:
    """A parsed YAML file that knows where each of its values stands."""

    path: Path
    data: Any
    lines: dict[Location, int] = field(default_factory=dict)
    overridden: set[Location] = field(default_factory=set)

    def line(self, location: Location) -> int:
        """The line of a value, or of the nearest mapping or list around it."""
        ends = range(len(location), -1, -1)
        return next((self.lines[location[:end]] for end in ends if location[:end] in self.lines), 0)

    def where(self, location: Location) -> str:
        """``configs/x.yaml:14``, or the ``--set`` that gave the value."""
        for end in range(len(location), -1, -1):
            if location[:end] in self.overridden:
                return f"--set {'.'.join(map(str, location[:end]))}"
            if location[:end] in self.lines:
                return f"{self.path}:{self.lines[location[:end]]}"
        return str(self.path)


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Parse a config.

    Args:
        path: a YAML file. Paths in it are read from the folder it lies in.
        overrides: ``a.b.c=value`` assignments that replace keys of the file.

    Raises:
        ConfigError: with every error found, one a line.
    """
    document = read(Path(path))
    for override in overrides:
        _override(document, override)
    problems = list(_cross_check(document.data))
    config = None
    try:
        config = config_type().model_validate(
            document.data, context={"folder": document.path.parent}
        )
    except ValidationError as error:
        found = [_problem(details) for details in error.errors()]
        known = {location for location, _ in found}
        problems = found + [problem for problem in problems if problem[0] not in known]
    if problems or config is None:
        problems.sort(key=lambda problem: document.line(problem[0]))
        lines = {f"{document.where(loc)}: {_dotted(loc)}{text}": None for loc, text in problems}
        raise ConfigError("\n".join(lines))
    config._path = document.path
    return config


def read(path: Path) -> Document:
    """Parse YAML with positions; bounded in size, and without aliases that blow up."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("there is no such config", where=str(path), todo=_nearby(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path)) from None
    if len(text) > MAX_BYTES:
        raise ConfigError("is larger than 1 MiB, which no config is", where=str(path))
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        document = Document(path, None)
        _index(node, (), document, [0])
        document.data = loader.construct_document(node) if node else {}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"is not YAML: {error.problem}", where=f"{path}:{line}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"is not YAML: {error}", where=str(path)) from None
    if not isinstance(document.data, dict):
        raise ConfigError("must be a mapping of keys to values", where=str(path))
    return document


def _index(node: Any, location: Location, document: Document, count: list[int]) -> None:
    """Note the line of every value, refuse repeated keys, and bound aliases."""
    count[0] += 1
    if count[0] > MAX_NODES:
        raise ValueError("it has more values than a config can mean (nested aliases?)")
    if node is not None:
        document.lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _index(item, (*location, index), document, count)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*location, str(key.value))
            if child in document.lines and key.value != "<<":
                raise yaml.MarkedYAMLError(
                    problem=f'"{key.value}" stands twice', problem_mark=key.start_mark
                )
            document.lines[child] = key.start_mark.line + 1
            _index(value, child, document, count)


def _override(document: Document, assignment: str) -> None:
    """Apply ``a.b=value``; the value is YAML."""
    key, equals, value = assignment.partition("=")
    if not equals or not key.strip():
        raise ConfigError("is not KEY=VALUE", where=f"--set {assignment}")
    parts = key.strip().split(".")
    target = document.data
    for index, part in enumerate(parts[:-1]):
        if not isinstance(target.get(part), dict):
            target[part] = {}
            document.overridden.add(tuple(parts[: index + 1]))
        target = target[part]
    try:
        target[parts[-1]] = yaml.load(value, _Loader)  # noqa: S506 - it is a safe one
    except yaml.YAMLError:
        raise ConfigError(f"{value!r} is not YAML", where=f"--set {assignment}") from None
    document.overridden.add(tuple(parts))


def _problem(details: ErrorDetails) -> tuple[Location, str]:
    location: Location = details["loc"]
    kind, context = details["type"], details.get("ctx", {})
    given = details.get("input")
    if kind == "extra_forbidden":
        known = _keys_at(location[:-1])
        return location, f" is not a key here{_suggest(str(location[-1]), known)}"
    if kind == "missing":
        return location[:-1], f'{"" if len(location) == 1 else " "}needs the key "{location[-1]}"'
    if kind in ("literal_error", "union_tag_invalid"):
        text = str(context.get("expected") or context.get("expected_tags"))
        allowed = re.findall(r"'([^']*)'", text)
        wrong = given.get("to") if isinstance(given, Mapping) else given
        return location, f' is "{wrong}"{_suggest(str(wrong), allowed)}'
    if kind == "value_error":
        return location, f": {context['error']}"
    message = details["msg"][0].lower() + details["msg"][1:]
    shown = "" if isinstance(given, (Mapping, list)) else f" (it is {given!r})"
    return location, f": {message}{shown}"


def _suggest(wrong: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known are {', '.join(names)}" if names else ""


def _keys_at(location: Location) -> list[str]:
    """The keys that the JSON Schema allows in the mapping at ``location``."""
    schema = config_type().model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    places = [schema]
    for part in location:
        places = [
            child for place in _resolved(places, definitions) for child in _children(place, part)
        ] or places
    places = _resolved(places, definitions)
    return [key for place in places for key in place.get("properties", {})]


def _resolved(places: Iterable[Any], definitions: Mapping[str, Any]) -> list[Any]:
    result = []
    for place in places:
        if "$ref" in place:
            result += _resolved([definitions[place["$ref"].split("/")[-1]]], definitions)
        alternatives = [*place.get("anyOf", []), *place.get("oneOf", []), *place.get("allOf", [])]
        result += [place, *_resolved(alternatives, definitions)]
    return result


def _children(place: Mapping[str, Any], part: str | int) -> list[Any]:
    child = place.get("properties", {}).get(part)
    if child is None:
        # A mapping of free names, such as variants: all values have one type.
        free = [place.get("additionalProperties"), *place.get("patternProperties", {}).values()]
        child = next((schema for schema in free if isinstance(schema, dict)), None)
    if child is None and isinstance(part, int):
        child = place.get("items")
    return [child] if isinstance(child, dict) else []


def _cross_check(data: Any) -> Iterable[tuple[Location, str]]:
    """Names in one place of a config that must exist in another."""
    variants = _names(data.get("variants"))
    formats = _names(data.get("export"))
    for name in formats:
        chosen = (data["export"].get(name) or {}) if isinstance(data["export"], dict) else {}
        wanted = chosen.get("variants") if isinstance(chosen, dict) else None
        for index, variant in enumerate(wanted if isinstance(wanted, list) else []):
            if variant not in variants:
                place = ("export", name, "variants", index)
                yield place, f' is "{variant}", no variant{_suggest(str(variant), variants)}'
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
        known = known_keys(key, names, places)
        if key not in known:
            yield ("validate", "gates", key), f" names nothing{_suggest(key, known)}"


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


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)


def _nearby(path: Path) -> str:
    found = sorted(path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    close = get_close_matches(path.name, [f.name for f in found], n=1, cutoff=0.5)
    if close:
        return f"did you mean {path.parent / close[0]}?"
    return f"there are {', '.join(str(f) for f in found[:8])}" if found else ""
