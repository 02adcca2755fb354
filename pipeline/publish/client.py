"""The client as it is published: its modules, each made self-contained and minified."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline import options
from pipeline.digest import scan
from pipeline.publish import esbuild
from pipeline.publish.compress import give_way, write_twins
from pipeline.step import Inputs, step

SOURCES = Path(__file__).parent.parent / "client"


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
    write_twins({path: work / path for path in scan(work)}, work)
