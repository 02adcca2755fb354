"""The demo page as it is published: ``demo/``, and what has to lie at the CDN folder's root."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.backends.web import esbuild
from pipeline.backends.web.packages import CLIENT, INPUTS
from pipeline.base.digest import scan, tree_digest
from pipeline.base.options import NoOptions
from pipeline.engine.step import Inputs, step
from pipeline.publish.delivery.compress import give_way, write_twins
from pipeline.storage.layout import DEMO

SOURCES = CLIENT / "demo"

#: The page's modules in one, and those of the worker that trains in another, with TF.js.
MODULES = ("app.js", "learn.js")
PLAIN = ("icon.svg", "index.html", "manifest.webmanifest", "samples.json", "style.css")
#: A service worker looks after its own folder, and those below.
ROOT = ("sw.js",)


def fingerprint() -> str:
    """What decides the page's files."""
    modules = [esbuild.fingerprint(folder) for folder in (CLIENT, INPUTS)]
    return f"{modules} {tree_digest(scan(SOURCES))}"


@step(version=2, lane="compress", tools=("brotli",))
def make(inputs: Inputs, options: NoOptions, work: Path) -> None:
    """The page's sources -> files by their paths below the CDN folder, and their twins."""
    give_way()
    esbuild.bundle([SOURCES / name for name in MODULES], work / DEMO)
    for name in PLAIN:
        shutil.copyfile(SOURCES / name, work / DEMO / name)
    for name in ROOT:
        shutil.copyfile(SOURCES / name, work / name)
    write_twins({path: work / path for path in scan(work)}, work)
