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
PUBLIC = ("index.js", "fetch.js")
#: What these load where they need it: few visitors fetch any of it.
APART = ("cascade.js", "database.js", "room.js")


class ClientOptions(options.Options):
    """Minifying has no choices."""


def modules() -> list[Path]:
    """Those that become files; the page's and the worker's are one."""
    return [SOURCES / name for name in (*PUBLIC, *APART)]


@step(version=3, lane="compress", tools=("brotli",))
def make(inputs: Inputs, options: ClientOptions, work: Path) -> None:
    """The client's sources -> its files, and their twins."""
    give_way()
    esbuild.bundle(modules(), work, base=SOURCES, apart=[f"./{name}" for name in APART])
    for types in SOURCES.glob("*.d.ts"):
        shutil.copyfile(types, work / types.name)
    write_twins({path: work / path for path in scan(work)}, work)
