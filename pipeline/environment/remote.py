"""The Python API in a process that has not the locked packages: each call is a process that has.

The user's own packages stay what they are, and need not fit. What the other process writes to its
standard error is seen here; its errors are raised here, of the same classes.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from pipeline.base import errors
from pipeline.base.errors import PipelineError
from pipeline.environment import enter
from pipeline.environment.place import Run

_ANSWER = "from pipeline.api import answer; answer()"


@dataclass(frozen=True)
class Config:
    """A config that was found right. ``build`` reads its file again."""

    path: Path
    overrides: tuple[str, ...]
    name: str
    values: Mapping[str, Any]
    """All keys as JSON has them, with what is there by default."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"here a config has its keys in values, as in config.values[{name!r}]")


@dataclass(frozen=True)
class PublishedRelease:
    """As ``pipeline.publish.release.release`` has it."""

    id: str
    folder: str
    manifest: Mapping[str, Any]
    new: bool
    copied: int
    notes: tuple[str, ...]
    signed: bool


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Parse a config.

    Args:
        path: a YAML file. Paths in it are read from the folder it lies in.
        overrides: ``a.b.c=value`` assignments that replace keys of the file.

    Raises:
        ConfigError: with every error found, one a line.
    """
    values = _ask({"config": str(path), "overrides": [*overrides]})
    return Config(Path(path).absolute(), tuple(overrides), values["name"], values)


def build(
    config: Config,
    *,
    store: Path = Path("artifacts/store"),
    sign_key: Path | None = None,
    sign_keyless: bool = False,
    allow_incomplete: bool = False,
) -> PublishedRelease:
    """Make, prove and publish everything that ``config`` asks for; as ``pipeline.api.build``.

    Raises:
        PipelineError: of the kinds in ``pipeline.base.errors``; nothing was half published.
    """
    options = {
        "store": str(store),
        "sign_key": None if sign_key is None else str(sign_key),
        "sign_keyless": sign_keyless,
        "allow_incomplete": allow_incomplete,
    }
    asked = {"config": str(config.path), "overrides": config.overrides, "build": options}
    told = _ask(asked)
    told["notes"] = tuple(told["notes"])
    return PublishedRelease(**{field.name: told[field.name] for field in fields(PublishedRelease)})


@cache
def _run() -> Run:
    """Held as long as this process lives."""
    return enter.hold(enter.tell)


def _ask(request: Mapping[str, object]) -> dict[str, Any]:
    """Call ``pipeline.api.answer`` in the environment."""
    done = subprocess.run(
        [_run().python, "-c", _ANSWER],
        input=json.dumps(request),
        env=enter.variables(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PipelineError(
            f"the process of the environment ended with {done.returncode}",
            todo="what it said stands above; pipeline doctor looks at the environment",
        )
    reply = json.loads(done.stdout)
    if told := reply.get("error"):
        kind = getattr(errors, told.pop("kind"), PipelineError)
        raise kind(told["what"], where=told["where"], todo=told["todo"])
    value: dict[str, Any] = reply["value"]
    return value
