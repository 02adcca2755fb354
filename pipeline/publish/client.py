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

#: The page's and the worker's, in one file; in a package they are two.
INDEX = SOURCES / "bundles" / "index.js"
#: What a page may import too; one file, so that no import waits for another one's.
FETCH = "fetch.js"
#: What these load where they need it: few visitors fetch any of it.
APART = ("cascade.js", "database.js", "explain.js", "fallback.js", "large.js", "room.js")
#: Properties that nothing outside of a bundle sees: they get short names there.
PRIVATE = (
    *("bits", "cost", "f16", "maxBytes", "onBytes", "onFile", "place", "rank"),
    *("software", "sparing", "speed", "stallMs", "take", "tries"),
)


class ClientOptions(options.Options):
    """Minifying has no choices."""


@step(version=5, lane="compress", tools=("brotli",))
def make(inputs: Inputs, options: ClientOptions, work: Path) -> None:
    """The client's sources -> its files, and their twins."""
    give_way()
    apart = [f"./{name}" for name in APART]
    esbuild.bundle([INDEX], work, apart=apart, private=PRIVATE)
    esbuild.bundle([SOURCES / name for name in (FETCH, *APART)], work, apart=apart)
    for types in SOURCES.glob("*.d.ts"):
        shutil.copyfile(types, work / types.name)
    write_twins({path: work / path for path in scan(work)}, work)
