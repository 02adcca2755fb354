"""`pipeline copy` adds what is published in one place to another."""

from __future__ import annotations

import json

import click

from pipeline.cli.commands.common import JSON


@click.command("copy")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@click.option("--to", required=True, metavar="CDN", help="A CDN folder, or a URL: s3://bucket/cdn")
@JSON
def command(sources: tuple[str, ...], to: str, as_json: bool) -> None:
    """Add the models of each SOURCE, a CDN folder or one model in it, to another CDN folder.

    Releases stay as they are, with their signatures; only what is missing is copied, and channels
    move last, once all that they point to is there. Channels, client and demo become those of the
    SOURCE, also where the CDN had newer ones; of several sources, the last one's stand.

    \b
    Examples:
      pipeline copy artifacts/cdn --to s3://models.example.com
      pipeline copy staging/mobilenet staging/detector --to /srv/cdn
    """
    from pipeline.cli.bar import open_bar
    from pipeline.publish.upkeep import copy as job
    from pipeline.storage import open_storage

    target = open_storage(to)
    origins = [job.source(source) for source in sources]
    moved = []
    for source in origins:
        with open_bar(", ".join(source.names), shown=not as_json) as bar:
            moved += job.copy(source, target, bar)
    models = sorted({name for source in origins for name in source.names})
    if as_json:
        click.echo(json.dumps({"models": models, "moved": moved}))
        return
    for line in moved:
        click.echo(f"moved {line}")
    click.echo(f"{', '.join(models)} in {target.where}")
