"""`pipeline list` shows what a CDN folder holds."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.common import JSON


@click.command("list")
@click.argument("to", default="artifacts/cdn", type=click.Path(path_type=Path), metavar="[FOLDER]")
@JSON
def command(to: Path, as_json: bool) -> None:
    """List the models, channels and releases of a CDN folder.

    \b
    Examples:
      pipeline list
      pipeline list /srv/cdn --json
    """
    from pipeline import show

    show.cdn(to, as_json)
