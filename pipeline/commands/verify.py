"""`pipeline verify` re-hashes what is published."""

from __future__ import annotations

import click

from pipeline.commands.common import JSON


@click.command("verify")
@click.argument("where", default="artifacts/cdn", metavar="[FOLDER-OR-URL]")
@JSON
def command(where: str, as_json: bool) -> None:
    """Check that what is published is what was published: every pointer, manifest and file.

    FOLDER-OR-URL is a CDN folder, a channel (…/mobilenet/latest.json) or a manifest, on this
    machine, in a bucket or on a web server. Every file is read and hashed; compressed ones are
    decompressed. Ends with 1 if anything is not as it has to be, and names it.

    \b
    Examples:
      pipeline verify
      pipeline verify s3://bucket/cdn --json
      pipeline verify https://example.com/cdn/mobilenet/latest.json
    """
    from pipeline.publish.verify import show

    if not show.verified(where, as_json):
        raise click.exceptions.Exit(1)
