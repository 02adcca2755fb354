"""`pipeline list` shows what a CDN folder holds."""

from __future__ import annotations

import click

from pipeline.cli.commands.common import JSON


@click.command("list")
@click.argument("to", default="artifacts/cdn", metavar="[FOLDER-OR-URL]")
@JSON
def command(to: str, as_json: bool) -> None:
    """List the models, channels and releases of a CDN folder, wherever it is.

    \b
    Examples:
      pipeline list
      pipeline list /srv/cdn --json
      pipeline list s3://bucket/cdn
      pipeline list https://example.com/cdn
    """
    from pipeline.cli import show

    show.cdn(to, as_json)
