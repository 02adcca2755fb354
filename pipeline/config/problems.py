"""What is wrong with a value of a config, in our words: pydantic's speak of its own insides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.config.type import config_type
from pipeline.config.yaml import Location
from pipeline.sources import pytorch
from pipeline.storage.layout import NAME

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: Of a value, in a message.
LONGEST = 60
#: Of names, in a message.
MOST = 24

_NUMBER, _WHOLE = "must be a number", "must be a whole number"
_LIST, _MAPPING = "must be a list, as in [a, b]", "must be a mapping of keys to values"

#: How pydantic's kinds of errors begin -> what is right instead, filled in from an error's context.
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("string_type", "string_sub_type", "string_unicode", "path_type"), "must be text"
    ),
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be {as_in}",
    "int_": _WHOLE,
    "float_": _NUMBER,
    "finite_number": "must be a finite number",
    "bool_": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_", "dataclass_"), _MAPPING),
    "too_short": "needs at least {min_length} of its entries, not {actual_length}",
    "too_long": "may have at most {max_length} entries",
    "invalid_key": "is a key that is no text; put it into quotes",
}


_PATTERNS = {
    f"^{NAME}$": "made of a to z, 0 to 9, dots, dashes and underscores, at most 64 of them, "
    "beginning with a letter or digit",
    "^[0-9a-f]{64}$": "a sha256: 64 digits from 0 to 9 and a to f",
}


def problem(details: ErrorDetails, data: Any) -> tuple[Location, str]:
    """Where something is wrong, and what: a text to be written straight behind the place.

    Args:
        data: the config as it was read.
    """
    place, value, kind = details["loc"], details.get("input"), details["type"]
    location = location_of(place, data)
    context = details.get("ctx", {})
    if kind == "extra_forbidden":
        return location, _unknown(location, keys_at(place[:-1]), value)
    if kind == "missing":
        location = location[:-1]
        return location, f"{' ' if location else ''}needs {_missing_in_words(place[-1])}"
    if kind == "literal_error":
        return location, _is_none_of(value, re.findall(r"'([^']*)'", context["expected"]))
    if kind.startswith(("union_tag", "model_")) and (choices := choices_at(place)):
        return location, _is_none_of(_tag(value), choices)
    if kind == "value_error":
        return location, f": {context['error']}"
    return location, f" {_right_in_words(kind, context)}{_it_is(value)}"


def _unknown(location: Location, keys: list[str], value: Any) -> str:
    if location == ("preprocess",):
        return _explain_renamed(value)
    if location == ("source", "pytorch"):
        return _explain_pytorch(value)
    return f" is not a key here{suggest(str(location[-1]), keys)}"


def _explain_renamed(preprocess: Any) -> str:
    """What to write in place of a key that configs had before there were kinds of inputs."""
    options = preprocess if isinstance(preprocess, Mapping) else {}
    pairs = {"size" if key == "resize" else key: value for key, value in options.items()}
    inside = ", ".join(f"{key}: {_bare(value)}" for key, value in pairs.items())
    return f" is no key any more; write input: {{image: {{{inside}}}}} in its place"


def _explain_pytorch(value: Any) -> str:
    """What to write in place of a file that is not opened here."""
    name = next(iter(value.values()), "") if isinstance(value, Mapping) else value
    name = name if isinstance(name, str) and pytorch.is_pytorch(name) else "net.pt"
    return f": {pytorch.refuse(name)}"


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else as_yaml(value)


def _missing_in_words(key: str | int) -> str:
    return f'the key "{key}"' if isinstance(key, str) else f"at least {key + 1} entries"


def _right_in_words(kind: str, context: Mapping[str, Any]) -> str:
    words = next((text for name, text in _WORDS.items() if kind.startswith(name)), None)
    if words is None:
        return "is none of the values that are read here"
    pattern = str(context.get("pattern"))
    return words.format(**context, as_in=_PATTERNS.get(pattern, f"written as {pattern}"))


def _it_is(value: Any) -> str:
    return "" if isinstance(value, (Mapping, list, tuple)) else f" (it is {as_yaml(value)})"


def _tag(value: Any) -> Any:
    return value.get("to") if isinstance(value, Mapping) else value


def _is_none_of(value: Any, allowed: list[str]) -> str:
    if value is None or isinstance(value, (Mapping, list)):
        return f" needs one of {', '.join(sorted(allowed))}"
    return f" is {as_yaml(value)}{suggest(str(value), allowed)}"


def as_yaml(value: Any) -> str:
    """A value as YAML would have it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def printable(text: str) -> str:
    """A message in which a config's own words cannot steer the terminal, nor end the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def suggest(wrong: str, known: Iterable[str]) -> str:
    """The likeliest of the names that are known, or all of them."""
    names = sorted(known)
    close = get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"; known are {', '.join(names[:MOST])}{more}" if names else ""


def join_location(location: Location) -> str:
    """``variants.uint8.quantize``."""
    return ".".join(str(part) for part in location)


def location_of(place: Location, data: Any) -> Location:
    """A place as the file has it: without the tags by which pydantic tells alternatives apart."""
    location: list[str | int] = []
    for part in place:
        if part == "[key]" or (_tag(data) == part and not _has(data, part)):
            continue
        location.append(part)
        data = data[part] if _has(data, part) else None
    return tuple(location)


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, Mapping) and part in data


def keys_at(place: Location) -> list[str]:
    """The keys that the JSON Schema allows in the mapping at a place, tags included."""
    return sorted({key for schema in _schemas_at(place) for key in schema.get("properties", {})})


def choices_at(place: Location) -> list[str]:
    """The values of the tag that tells the alternatives at a place apart."""
    tags = (schema.get("properties", {}).get("to", {}) for schema in _schemas_at(place))
    return sorted({tag["const"] for tag in tags if "const" in tag})


def _schemas_at(place: Location) -> list[Any]:
    schema = _schema()
    definitions = schema.get("$defs", {})
    places = _resolve_ref([schema], definitions)
    for part in place:
        inside = [child for schema in places for child in _children(schema, part)]
        tagged = [schema for schema in places if _is_tagged(schema, part)]
        places = _resolve_ref(inside, definitions) or tagged or places
    return places


@cache
def _schema() -> dict[str, Any]:
    return config_type().model_json_schema(by_alias=True)


def _is_tagged(schema: Mapping[str, Any], tag: str | int) -> bool:
    return bool(schema.get("properties", {}).get("to", {}).get("const") == tag)


def _resolve_ref(places: Iterable[Any], definitions: Mapping[str, Any]) -> list[Any]:
    result = []
    for place in places:
        if "$ref" in place:
            result += _resolve_ref([definitions[place["$ref"].split("/")[-1]]], definitions)
        alternatives = [*place.get("anyOf", []), *place.get("oneOf", []), *place.get("allOf", [])]
        result += [place, *_resolve_ref(alternatives, definitions)]
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
