"""What commands about a CDN folder print."""

from __future__ import annotations

import json

import click

from pipeline.publish.upkeep.clean import Plan, clean


def cleaned(cdn: str, keep: int, grace_seconds: float, *, really: bool, as_json: bool) -> None:
    """Clean up, or look what there would be to clean, and print it."""
    made = clean(cdn, keep, grace_seconds, really=really)
    if as_json:
        click.echo(json.dumps(_data(made, really)))
        return
    verb = "removed" if really else "would remove"
    for name, release in made.releases:
        click.echo(f"{verb} release {release} of {name}")
    count = len(made.files) + len(made.manifests)
    click.echo(
        f"{verb} {count} files, {made.bytes / 1e6:.1f} MB, from {cdn}; "
        f"{len(made.kept)} releases stay"
    )
    if count and not really:
        click.secho("--yes removes them", dim=True)


def _data(made: Plan, really: bool) -> dict[str, object]:
    return {
        "dry_run": not really,
        "releases": [{"model": name, "release": release} for name, release in made.releases],
        "files": sorted([*made.manifests, *made.files]),
        "bytes": made.bytes,
    }
