"""Writes a report's files beside a manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.files import write_aside
from pipeline.publish.release.snippet import pinned_snippet
from pipeline.report.data import data
from pipeline.report.markdown import markdown
from pipeline.report.page import Context, page
from pipeline.report.release import Release
from pipeline.storage.layout import PAGE, REPORT, REPORT_DATA, REPORT_MARKDOWN

if TYPE_CHECKING:
    from pipeline.manifest.release import ReleaseManifest


def write(manifest: ReleaseManifest, context: Context, folder: Path) -> None:
    """Write ``report.html``, ``report.md`` and ``report.json``; with a pin of what pages load."""
    release = Release(manifest)
    if (folder / PAGE).is_file():
        context = replace(context, snippet=pinned_snippet(manifest, folder))
    write_aside(folder / REPORT, page(release, context))
    write_aside(folder / REPORT_MARKDOWN, markdown(release))
    write_aside(folder / REPORT_DATA, json.dumps(data(release), indent=1))
