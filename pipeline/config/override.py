"""``--set a.b=value``: what the command line says in place of a config's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from pipeline.base.errors import ConfigError
from pipeline.config.problems import as_yaml
from pipeline.config.type import config_type
from pipeline.config.yaml import Document, parse


def override(document: Document, assignment: str) -> None:
    """Apply ``a.b=value``; the value is YAML. What stands there in short is written out first.

    Raises:
        ConfigError: it is no assignment, or what it goes into has no keys.
    """
    key, equals, value = assignment.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError("is not KEY=VALUE", where=f"--set {assignment}")
    target, kinds = document.data, [config_type()]
    for index, part in enumerate(parts[:-1]):
        kinds = _inside(kinds, part)
        if not isinstance(target.get(part), dict):
            target[part] = _written_out(target.get(part), kinds, parts[: index + 1])
            document.overridden.add(tuple(parts[: index + 1]))
        target = target[part]
    try:
        target[parts[-1]] = parse(value) if value.strip() else None
    except yaml.YAMLError:
        raise ConfigError(f"{value!r} is not YAML", where=f"--set {assignment}") from None
    document.overridden.add(tuple(parts))


def _written_out(value: Any, kinds: list[Any], parts: list[str]) -> dict[str, Any]:
    """``uint8`` as ``{to: uint8}``, nothing as an empty mapping."""
    if value is None:
        return {}
    field = next((name for kind in kinds if (name := _shorthand(kind))), None)
    if field is None or isinstance(value, list):
        raise ConfigError(
            f"holds {as_yaml(value)}, which has no keys",
            where=f"--set {'.'.join(parts)}",
            todo=f"set it whole: --set {'.'.join(parts)}=VALUE",
        )
    return {field: value}


def _shorthand(kind: Any) -> str | None:
    """The key that a bare value stands for."""
    if "to" in getattr(kind, "model_fields", {}):
        return "to"
    short: str | None = getattr(kind, "shorthand", None)
    return short


def _inside(kinds: list[Any], key: str) -> list[Any]:
    """The types that what stands at a key of these types may have."""
    inner = []
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = kind.model_fields.items()
            inner += [f.annotation for name, f in fields if key in (name, f.alias)]
        elif getattr(kind, "__origin__", None) in (dict, Mapping):
            inner.append(get_args(kind)[1])
    return [kind for annotation in inner for kind in _alternatives(annotation)]


def _alternatives(annotation: Any) -> list[Any]:
    """A union's members, without what annotates them."""
    if hasattr(annotation, "__metadata__"):
        return _alternatives(get_args(annotation)[0])
    arguments = get_args(annotation)
    if arguments and getattr(annotation, "__origin__", None) not in (dict, Mapping, list, tuple):
        return [kind for argument in arguments for kind in _alternatives(argument)]
    return [annotation]
