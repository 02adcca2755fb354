"""What a model's last build came to, published or not: ``pipeline report CONFIG`` shows it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.base.files import write_aside
from pipeline.build.result import Built
from pipeline.engine.store import Result, Store

#: Overrides that change nothing of what is made.
_WHERE = ("publish.to=", "publish.channel=")


def command_of(config: Path | None, overrides: Sequence[str] = ()) -> str:
    """The command that makes a build anew, wherever it is published to."""
    if config is None:
        return ""
    of_release = [assignment for assignment in overrides if not assignment.startswith(_WHERE)]
    sets = [word for assignment in of_release for word in ("--set", assignment)]
    return shlex.join(["pipeline", "build", str(_from_here(config)), *sets])


def _from_here(path: Path) -> Path:
    # A report is published: where this machine keeps its files is nobody's business.
    with suppress(ValueError):
        return path.resolve().relative_to(Path.cwd())
    return Path(path.name)


def remember(built: Built) -> None:
    """Note a build as its model's last."""
    content = json.dumps(
        {
            "manifest": built.manifest,
            "evidence": {name: result.tree for name, result in built.evidence.items()},
            "left_out": dict(built.left_out),
            "command": built.command,
        }
    )
    path = _path(built.store, built.manifest["name"])
    # Most builds change nothing.
    if not path.exists() or path.read_bytes() != content.encode():
        write_aside(path, content, lasting=False)


def recall(store: Store, name: str) -> Built | None:
    """A model's last build; ``None`` if there is none."""
    try:
        note = json.loads(_path(store, name).read_text())
        evidence = {name: _result(tree) for name, tree in note["evidence"].items()}
        left_out, command = note["left_out"], note["command"]
        return Built(note["manifest"], {}, left_out, store, "", "", evidence, command)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _result(tree: Mapping[str, Any]) -> Result:
    return Result({path: (sha256, size) for path, (sha256, size) in tree.items()}, 0.0)


def _path(store: Store, name: str) -> Path:
    return store.root / "last" / f"{name}.json"
