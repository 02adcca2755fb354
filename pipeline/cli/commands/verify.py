"""`pipeline verify` re-hashes what is published."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import JSON


@click.command("verify")
@click.argument("where", default="artifacts/cdn", metavar="[FOLDER-OR-URL]")
@click.option(
    "--public-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Every release must carry a signature made with this key (PEM).",
)
@click.option(
    "--identity",
    metavar="WHO",
    help="Every release must carry a keyless signature of this identity: an address, or a "
    "workflow's URL with its ref. Needs --issuer.",
)
@click.option("--issuer", metavar="URL", help="The OpenID Connect provider of --identity.")
@JSON
def command(
    where: str,
    *,
    public_key: Path | None,
    identity: str | None,
    issuer: str | None,
    as_json: bool,
) -> None:
    """Check that models are what was published: every pointer, manifest, file and runtime.

    FOLDER-OR-URL is a CDN folder, a channel (…/mobilenet/latest.json) or a manifest, on this
    machine, in a bucket or on a web server. Every file is read and hashed; compressed ones are
    decompressed. Ends with 1 if anything is not as it has to be, and names it.

    Of a CDN folder that can be listed the client is checked too. What cannot be checked is named:
    the demo page and single files at the root; and reports, where no signature that was checked
    is of them.

    Without a key or an identity it is only said which releases are signed.

    \b
    Examples:
      pipeline verify
      pipeline verify s3://bucket/cdn --json
      pipeline verify https://example.com/cdn/mobilenet/latest.json --public-key release.pub
      pipeline verify https://example.com/cdn \\
        --identity https://github.com/ME/REPO/.github/workflows/release.yml@refs/tags/v1.0.0 \\
        --issuer https://token.actions.githubusercontent.com
    """
    from pipeline.cli import show_verified
    from pipeline.publish.trust.signed import Trusted

    if not show_verified.show_verified(where, as_json, Trusted(public_key, identity, issuer)):
        raise click.exceptions.Exit(1)
