"""The demo page as it is published: ``demo/``, and what has to lie at the CDN folder's root.

The page is a frame. Each task brings a panel: ``panel.js`` in its folder, with what that imports of
the task's kind of input; and workers of its own as ``panel/*.worker.js``.
"""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

from pipeline.backends.web import esbuild
from pipeline.backends.web.packages import CLIENT, INPUTS, TASKS, task_of
from pipeline.base.digest import file_digest, scan, tree_digest
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.publish.delivery.compress import give_way, write_twins
from pipeline.storage.layout import DEMO

SOURCES = CLIENT / "demo"

#: The page's modules in one.
MODULE = "app.js"
PLAIN = ("icon.svg", "index.html", "manifest.webmanifest", "style.css")
#: A service worker looks after its own folder, and those below.
ROOT = ("sw.js",)
#: Task -> the files of its panel, its module first.
PANELS = "panels.json"


@cache
def fingerprint() -> str:
    """What decides the page's files."""
    modules = [esbuild.fingerprint(folder) for folder in (CLIENT, INPUTS, TASKS)]
    others = {
        path.relative_to(home.parent).as_posix(): file_digest(path)
        for home in (TASKS, INPUTS)
        for path in (*home.glob("*.css"), *home.glob("*/*.css"))
    }
    return f"{modules} {tree_digest(scan(SOURCES))} {tree_digest(others)}"


@step(version=3, lane="compress", tools=("brotli",))
def make(options: NoOptions, work: Path) -> None:
    """The page's sources -> files by their paths below the CDN folder, and their twins."""
    give_way()
    demo = work / DEMO
    esbuild.bundle([SOURCES / MODULE], demo)
    for name in PLAIN:
        shutil.copyfile(SOURCES / name, demo / name)
    for name in ROOT:
        shutil.copyfile(SOURCES / name, work / name)
    (demo / PANELS).write_text(json.dumps(make_panels(demo), indent=1))
    write_twins({path: work / path for path in scan(work)}, work)


def make_panels(demo: Path) -> dict[str, list[str]]:
    """Write the panel of each task that has one; what the page is told of them."""
    panels = {}
    for panel in sorted(TASKS.glob("*/panel.js")):
        home = demo / TASKS.name / panel.parent.name
        workers = panel.parent.glob("panel/*.worker.js")
        esbuild.bundle([panel, *sorted(workers)], home, base=panel.parent)
        others = sorted(path for path in home.rglob("*.*") if path != home / panel.name)
        files = [home / panel.name, *others]
        panels[task_of(panel.parent)] = [path.relative_to(demo).as_posix() for path in files]
    return panels
