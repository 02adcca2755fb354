"""Finds the backends that cannot run a converted graph, before it is packaged and proved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.backends import kernels
from pipeline.backends.targets import explain_problem, parse
from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step

#: Target -> why it cannot run a graph, as JSON.
FILE = "backends.json"


class CheckOptions(StrictOptions):
    """Where the graph is to be proved."""

    format: str
    backends: list[str]
    """As in the config; what is named one by one has to run it."""


@step(version=2, quick=True)
def check(model: ConvertedTfjs, options: CheckOptions, work: Path) -> None:
    """CONVERTED of TF.js -> ``backends.json``.

    Raises:
        PipelineError: a backend that the config names cannot run it.
    """
    content = model.model()
    targets = [target for target in parse(options.backends) if target.runs(options.format)]
    reasons = {target.id: why for target in targets if (why := target.why_not_model(content))}
    named = [target for target in targets if target.required and target.id in reasons]
    if named:
        raise PipelineError(
            f"{named[0].id} cannot run the model: {reasons[named[0].id]}",
            where=options.format,
            todo=_way_out({target.backend for target in named}, _find_able(content)),
        )
    (work / FILE).write_text(json.dumps(reasons, indent=1))


def _find_able(model: Mapping[str, Any]) -> list[str]:
    """The backends that browsers ship and that can run a graph."""
    return [name for name in kernels.list_runtimes() if not explain_problem(model, name)]


def _way_out(named: set[str], able: list[str]) -> str:
    leave = f"leave {' and '.join(sorted(named))} out of validate.backends"
    elsewhere = f" ({' and '.join(able)} can run it)" if able else ""
    return f"{leave}{elsewhere}, or take another operator"
