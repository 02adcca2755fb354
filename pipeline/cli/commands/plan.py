"""`pipeline plan` shows what a build would do."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import COMMON, CONFIGS, in_turn, open_store


@click.command("plan")
@CONFIGS
@COMMON
@click.option(
    "--no-model",
    is_flag=True,
    help="Do not look into the model: what it asks of formats and backends is then not said.",
)
def command(
    configs: tuple[Path, ...],
    overrides: tuple[str, ...],
    store_path: str,
    as_json: bool,
    *,
    no_model: bool,
) -> None:
    """Show what a build would make, and what it would leave out and why.

    It converts the model, to name each operator that a format or a backend lacks; a build that
    follows finds that in the store.

    \b
    Examples:
      pipeline plan configs/mobilenet.yaml
      pipeline plan configs/mobilenet.yaml --no-model
    """
    from pipeline.build.batch import look_into, plan_configs
    from pipeline.cli import show
    from pipeline.cli.progress import JsonLines, Lines

    store = open_store(store_path)
    if no_model:
        for planned in plan_configs(configs, overrides, store=store).values():
            show.plan(planned, as_json)
        return
    each = look_into(configs, overrides, store, JsonLines() if as_json else Lines())
    in_turn(configs, each, lambda seen: show.plan(seen.plan, as_json, seen.lacking))
