"""`pipeline rollback` moves a channel to another release."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from pipeline.cli.commands.common import CDN, JSON


@click.command("rollback")
@click.argument("name", metavar="NAME")
@click.option("--to", "release", required=True, metavar="RELEASE", help="Its id, or its beginning.")
@click.option("--channel", default="latest", show_default=True, help="The channel that is moved.")
@CDN
@JSON
def command(name: str, *, release: str, channel: str, cdn: str, as_json: bool) -> None:
    """Point a channel of the model NAME at a release that is published already.

    The release and all of its files have to be there. Nothing else changes: going forward again is
    the same command with the other release.

    \b
    Examples:
      pipeline rollback mobilenet --to 9eeb984d8ea13175
      pipeline rollback mobilenet --to 9eeb --channel stable --cdn s3://bucket/cdn
    """
    from pipeline.publish.upkeep.rollback import rollback

    moved = rollback(name, release, channel, cdn)
    if as_json:
        click.echo(json.dumps(asdict(moved)))
    elif moved.before == moved.release:
        click.echo(f"{moved.pointer} points to release {moved.release} already")
    else:
        was = f"was {moved.before}" if moved.before else "a new channel"
        click.echo(f"{moved.pointer} -> release {moved.release} ({was})")
