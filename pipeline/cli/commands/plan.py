"""`pipeline plan` shows what a build would do."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import COMMON, CONFIGS, open_store


@click.command("plan")
@CONFIGS
@COMMON
def command(
    configs: tuple[Path, ...], overrides: tuple[str, ...], store_path: Path, as_json: bool
) -> None:
    """Show what a build would make, and what it would leave out and why.

    \b
    Example:
      pipeline plan configs/mobilenet.yaml
    """
    from pipeline.build.batch import plan_configs
    from pipeline.cli import show

    for planned in plan_configs(configs, overrides, store=open_store(store_path)).values():
        show.plan(planned, as_json)
