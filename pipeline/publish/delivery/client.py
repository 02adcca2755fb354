"""The client as it is published: its modules, each made self-contained and minified."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.web import esbuild
from pipeline.backends.web.packages import APART, CLIENT
from pipeline.base.digest import scan
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.publish.delivery import types
from pipeline.publish.delivery.compress import give_way, write_twins

#: The page's and the worker's, in one file; in a package they are two.
INDEX = CLIENT / "bundles" / "index.js"
#: What a page may import too; each one file, so that no import waits for another one's.
IMPORTED = ("draw.js", "events.js", "fetch.js", "inspect.js", "network.js", "normalized.js")
#: Properties that nothing outside of a bundle sees: they get short names there.
PRIVATE = (
    *("bits", "cost", "f16", "first", "maxBytes", "ms", "old", "onBytes", "onFile", "place"),
    *("progress", "rank", "result", "software", "sparing", "speed", "stallMs", "take", "tries"),
    *("unchecked", "wish", "worth"),
)


@step(version=8, lane="compress", tools=("brotli",))
def make(options: NoOptions, work: Path) -> None:
    """The client's sources -> its files, and their twins."""
    give_way()
    apart = [f"./{name}" for name in APART]
    esbuild.bundle([INDEX], work, apart=apart, private=PRIVATE)
    esbuild.bundle([CLIENT / name for name in (*IMPORTED, *APART)], work, apart=apart)
    types.copy_types(work)
    write_twins({path: work / path for path in scan(work)}, work)
