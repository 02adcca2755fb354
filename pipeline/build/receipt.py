"""Sees at once that a build has nothing to do.

A receipt names everything that a finished build depended on: the text of its
config, this package, the installed packages, local files. While all of them
are as they were, the keys of its steps are too, and neither the config nor
its type needs to be loaded to know them.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.backends.gpu import host_gpu
from pipeline.backends.web import packages
from pipeline.backends.web.engine import engines
from pipeline.base.digest import digest
from pipeline.base.errors import PipelineError
from pipeline.base.files import write_aside
from pipeline.build.result import Built
from pipeline.engine.store import Result, Store, touch
from pipeline.storage.layout import MANIFEST

if TYPE_CHECKING:
    from pipeline.plan import Plan

PACKAGE = Path(__file__).parents[1]
SUFFIXES = (".py", ".json", ".js", ".html")

#: Where a browser is looked for.
ENVIRONMENT = (
    "PATH",
    "PIPELINE_BROWSER",
    "PIPELINE_BROWSER_FLAGS",
    "PIPELINE_FIREFOX",
    "PLAYWRIGHT_BROWSERS_PATH",
)


def write(
    store: Store,
    key: str,
    plan: Plan,
    keys: Mapping[str, str],
    files: Iterable[Path],
) -> None:
    """Remember what a build depended on; ``keys`` are those of its steps."""
    content = {
        "files": {str(path): stamp(path) for path in files},
        "steps": dict(keys),
        "artifacts": {artifact.id: artifact.node for artifact in plan.artifacts},
        "evidence": plan.evidence(),
        "left_out": {left.id: left.reason for left in plan.left_out},
        "to": plan.config.publish.to,
        "channel": plan.config.publish.channel,
    }
    write_aside(_path(store, key), json.dumps(content).encode(), lasting=False)


def read(store: Store, key: str) -> tuple[Built, dict[str, Result]] | None:
    """The build under ``key`` if nothing it depended on has changed."""
    try:
        receipt = json.loads(_path(store, key).read_text())
        if any(stamp(Path(path)) != stamped for path, stamped in receipt["files"].items()):
            return None
        results = {}
        for node, step_key in receipt["steps"].items():
            if (result := store.result(step_key)) is None:
                return None
            results[node] = result
        for path in map(Path, receipt["files"]):
            if store.root in path.parents:
                touch(path)
        return _built(store, receipt, results), results
    except (OSError, ValueError, KeyError, TypeError, AttributeError, PipelineError):
        # A machine that lost its power may have left anything here.
        return None


def _built(store: Store, receipt: Mapping[str, Any], results: Mapping[str, Result]) -> Built:
    manifest = json.loads(store.read(results["manifest"], MANIFEST))
    artifacts = {name: results[node] for name, node in receipt["artifacts"].items()}
    evidence = {name: results[node] for name, node in receipt["evidence"].items()}
    to, channel = receipt["to"], receipt["channel"]
    return Built(manifest, artifacts, receipt["left_out"], store, to, channel, evidence)


def receipt_key(config: Path, overrides: Sequence[str], browsers: bool) -> str:
    """A digest of what is the same in two runs of one command."""
    return digest(
        "receipt",
        str(config.resolve()),
        config.read_bytes().decode(errors="replace"),
        list(overrides),
        browsers,
        _code(),
        [os.environ.get(name) for name in ENVIRONMENT],
        host_gpu(),
        # What was missing may have been installed since.
        {name: engine.watched() for name, engine in engines().items()},
        packages.list_missing(),
    )


def _code() -> list[Any]:
    """This package and the interpreter's packages, by the times of their files."""
    sources = []
    for top, folders, names in os.walk(PACKAGE):
        folders[:] = [f for f in folders if f not in ("node_modules", "__pycache__", "bundled")]
        sources += [stamp(Path(top, name)) for name in names if name.endswith(SUFFIXES)]
    # Installing or removing a package changes this folder's time.
    return [sorted(sources), sys.version, Path(sysconfig.get_path("purelib")).stat().st_mtime_ns]


def stamp(path: Path) -> list[Any]:
    """What changes when a file, or a file of a folder, is written."""
    if path.is_dir():
        return sorted(stamp(Path(top, name)) for top, _, names in os.walk(path) for name in names)
    status = path.stat()
    return [str(path), status.st_size, status.st_mtime_ns]


def _path(store: Store, key: str) -> Path:
    return store.root / "receipts" / f"{key}.json"
