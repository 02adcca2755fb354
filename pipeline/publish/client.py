"""The client as it is published: its modules, each made self-contained and minified."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline import options
from pipeline.digest import scan, tree_digest
from pipeline.publish import esbuild
from pipeline.publish.compress import give_way, write_twins
from pipeline.step import Inputs, step

SOURCES = Path(__file__).parent.parent / "client"

NODE = "client"

#: Digits of the digest that the immutable copy's folder is named by.
DIGITS = 16


#: What a page may import; each is one file, so that no import waits for another one's.
PUBLIC = ("index.js", "fetch.js", "tasks/*.js")


class ClientOptions(options.Options):
    """Minifying has no choices."""


def modules() -> list[Path]:
    """The public modules; the page's and the worker's are one."""
    return sorted(path for pattern in PUBLIC for path in SOURCES.glob(pattern))


@step(version=2, lane="compress", tools=("brotli",))
def make(inputs: Inputs, options: ClientOptions, work: Path) -> None:
    """The client's sources -> its files, and their twins."""
    give_way()
    # A task's code comes beside a model's files, and only where it is needed.
    esbuild.bundle(modules(), work, base=SOURCES, apart=("./tasks/*",))
    for types in SOURCES.glob("*.d.ts"):
        shutil.copyfile(types, work / types.name)
    files = {path.relative_to(work).as_posix(): path for path in work.rglob("*") if path.is_file()}
    write_twins(files, work)


def published(folder: Path) -> dict[str, Path]:
    """Path below the CDN folder -> file: once under a digest for ever, once as the newest."""
    tree = scan(folder)
    digest = tree_digest(tree)[:DIGITS]
    return {f"client/{place}{path}": folder / path for place in (f"{digest}/", "") for path in tree}
