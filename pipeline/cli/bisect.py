"""``pipeline bisect``: from a config and names to what is printed and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.base.errors import ConfigError
from pipeline.bisect.job import Request, bisect
from pipeline.build.batch import plan_configs
from pipeline.cli import show_bisect
from pipeline.cli.progress import JsonLines, Lines
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.store import Store

#: Where reproductions go, from where the command is run.
FOLDER = Path("artifacts/bisect")


def run(
    config: Path,
    overrides: Sequence[str],
    request: Request,
    store: Store,
    *,
    output: Path | None,
    as_json: bool,
) -> None:
    """Bisect, keep the reproduction, and print.

    Raises:
        PipelineError: of any kind; a trace of the source is kept.
    """
    progress = JsonLines() if as_json else Lines()
    (plan,) = plan_configs([config], overrides, store=store).values()
    if (variant := request.artifact.rpartition("/")[2]) in plan.searches.unknown:
        raise ConfigError(
            f"the search for the variant {variant} was not done yet",
            where=str(config),
            todo="run `pipeline build` or `pipeline validate` first",
        )
    with store.in_use(), LocalLanes(store.root / "logs") as lanes, progress.of(2):
        outcome = bisect(plan, request, store, lanes, progress)
    name = f"{plan.config.name}-{request.artifact}-{request.target}".replace("/", "-")
    note = (
        show_bisect.keep(outcome.reproduction, output or FOLDER / name)
        if outcome.reproduction
        else None
    )
    if as_json:
        click.echo(json.dumps({**outcome.result, "reproduction": str(note) if note else None}))
    else:
        show_bisect.show(outcome.result, note)
