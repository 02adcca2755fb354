"""Makes what a search found a part of a build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.publish.release.manifest import SEARCH
from pipeline.search.outcome import RESULT, from_json


class KeepOptions(StrictOptions):
    """The outcome, as JSON."""

    outcome: dict[str, Any]


@step(version=2, quick=True)
def keep(options: KeepOptions, work: Path) -> None:
    """Nothing -> ``search.json`` and its summary: makes the outcome a part of a build."""
    (work / RESULT).write_text(json.dumps(options.outcome))
    (work / SEARCH).write_text(json.dumps(from_json(options.outcome).summary()))
