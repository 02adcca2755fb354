"""Writes a report's files beside a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.base.files import write_aside
from pipeline.publish.release.snippet import pinned
from pipeline.report.data import data
from pipeline.report.markdown import markdown
from pipeline.report.page import Context, page
from pipeline.report.release import Release
from pipeline.storage import layout

PAGE = "report.html"


def write(manifest: Mapping[str, Any], context: Context, folder: Path) -> None:
    """Write ``report.html``, ``report.md`` and ``report.json``; with a pin of what pages load."""
    release = Release(manifest)
    if (folder / layout.PAGE).is_file():
        context = replace(context, snippet=pinned(manifest, folder))
    write_aside(folder / PAGE, page(release, context))
    write_aside(folder / "report.md", markdown(release))
    write_aside(folder / "report.json", json.dumps(data(release), indent=1))
