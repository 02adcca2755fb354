"""A YAML file as plain values that know where they stand; whatever lies in the file.

Configs may come from strangers: what would make PyYAML crash, take long, or make objects of its
own is refused before it is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

import yaml

from pipeline.base.errors import ConfigError

MAX_BYTES = 2**20
MAX_NODES = 100_000
#: Of lists and mappings in one another. libyaml's composer calls itself, until the stack is full.
MAX_DEPTH = 50
#: Digits of a number, which take the square of their count to read.
MAX_DIGITS = 100

Location = tuple[str | int, ...]


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which ``on``, ``no`` and their like are words, as since version 1.2; so are dates."""

    yaml_implicit_resolvers: ClassVar = {
        first: [
            (tag, words)
            for tag, words in resolvers
            if "timestamp" not in tag and (first in "tTfF" or "bool" not in tag)
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
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


def read(path: Path) -> Document:
    """Parse YAML with positions; bounded in size, and without aliases that blow up.

    Raises:
        ConfigError: it is no YAML, or holds no mapping; with its line.
    """
    text = _text(path)
    document = Document(path, None, {(): 1})
    try:
        document.data = parse(text, document)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"is not YAML: {_in_words(error)}", where=f"{path}:{line}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        what = f"holds the character U+{error.character:04X}, which YAML does not allow"
        raise ConfigError(what, where=f"{path}:{line}") from None
    if not isinstance(document.data, dict):
        raise ConfigError("must be a mapping of keys to values", where=f"{path}:1")
    return document


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ConfigError("is larger than 1 MiB, which no config is", where=str(path))
        return raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError("there is no such config", where=str(path), todo=_nearby(path)) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError("is not text in UTF-8", where=f"{path}:{line}") from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None


def parse(text: str, document: Document | None = None) -> Any:
    """The plain values of a YAML text.

    Args:
        document: is told the line of each value.

    Raises:
        yaml.YAMLError: it is none, or more than a config can mean.
    """
    _check_events(text)
    loader = Loader(text)
    node = loader.get_single_node()
    if node is None:
        return {}
    _index(node, (), document or Document(Path(), None), [0])
    return loader.construct_document(node)


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _Refused("lists and mappings lie in one another more deeply than here", event)
        if tag := getattr(event, "tag", None):
            raise _Refused(f"tags such as {_short(tag)} are not read", event)


class _Refused(yaml.MarkedYAMLError):
    """YAML that no config needs; the problem is in our words."""

    def __init__(self, problem: str, at: Any) -> None:
        super().__init__(problem=problem, problem_mark=at.start_mark)


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")[:40]


def _index(node: Any, location: Location, document: Document, count: list[int]) -> None:
    """Note the line of every value, refuse repeated keys, and bound aliases."""
    count[0] += 1
    if count[0] > MAX_NODES:
        raise _Refused("it has more values than a config can mean (nested aliases?)", node)
    document.lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode) and "int" in node.tag and len(node.value) > MAX_DIGITS:
        raise _Refused("a number has more digits than a config can mean", node)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _index(item, (*location, index), document, count)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _index(value, _child(location, key, document), document, count)


def _child(location: Location, key: Any, document: Document) -> Location:
    if not isinstance(key, yaml.ScalarNode):
        raise _Refused("a key is a list or a mapping; write text", key)
    child = (*location, str(key.value))
    if child in document.lines and key.value != "<<":
        raise _Refused(f'"{key.value}" stands twice', key)
    document.lines[child] = key.start_mark.line + 1
    return child


#: What PyYAML and libyaml say -> what it means.
_MEANINGS: Mapping[str, str] = {
    "mapping values are not allowed": 'a ":" too many, or spaces before it that do not fit',
    r"',' or '[]}]'": "a list or mapping in brackets is not closed, or lacks a comma",
    "undefined alias": "an alias (*name) has no anchor (&name) before it",
    "unknown escape": "an unknown escape after a backslash; write text in single quotes",
    "end of stream": "quotes or brackets are not closed",
    "start any token": "text that begins with this character, or a tab, needs quotes",
    "single document|another document": "there is more than one document; a config is one",
    "for merging": "<< takes a mapping",
    "directive": "directives (%) are not read",
    "expected key|'-' indicator|block end|sequence entries|document start|tab": "this line's "
    "indentation does not fit the lines above it",
}


def _in_words(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    if isinstance(error, _Refused):
        return problem
    meanings = (meaning for pattern, meaning in _MEANINGS.items() if re.search(pattern, problem))
    return next(meanings, "this line cannot be read")


def _nearby(path: Path) -> str:
    configs = sorted(path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    close = get_close_matches(path.name, [f.name for f in configs], n=1, cutoff=0.5)
    if close:
        return f"did you mean {path.parent / close[0]}?"
    return f"there are {', '.join(str(f) for f in configs[:8])}" if configs else ""
