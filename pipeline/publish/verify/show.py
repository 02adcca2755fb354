"""What ``pipeline verify`` prints."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from pipeline.bar import bytes_bar
from pipeline.publish.verify.run import Found, verify


def verified(where: str, as_json: bool) -> bool:
    """Check, with a progress bar, and print what was found; whether all is well."""
    with bytes_bar("verify", shown=not as_json) as bar:
        found = verify(where, started=bar.of, advance=bar.advance)
    if as_json:
        click.echo(json.dumps(_data(found)))
        return not found.faults
    for fault in found.faults:
        click.echo(f"{click.style('✗', fg='red')} {fault}")
    mark = click.style("✗", fg="red") if found.faults else click.style("✓", fg="green")
    count = f"{len(found.faults)} faults in " if found.faults else ""
    click.echo(
        f"{mark} {count}{len(found.releases)} releases, {len(found.channels)} channels, "
        f"{len(found.seen)} files, {found.bytes / 1e6:.1f} MB at {where}"
    )
    return not found.faults


def _data(found: Found) -> dict[str, object]:
    return {
        "where": found.where,
        "ok": not found.faults,
        "faults": [asdict(fault) for fault in found.faults],
        "channels": found.channels,
        "releases": [{"model": one.model, "release": one.release} for one in found.releases],
        "files": len(found.seen),
        "bytes": found.bytes,
    }
