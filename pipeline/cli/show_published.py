"""What commands about a CDN folder print."""

from __future__ import annotations

import json

import click

from pipeline.publish.upkeep.clean import CleanPlan, clean


def show_cleaned(cdn: str, keep: int, grace_seconds: float, *, really: bool, as_json: bool) -> None:
    """Clean up, or look what there would be to clean, and print it."""
    plan = clean(cdn, keep, grace_seconds, really=really)
    if as_json:
        click.echo(json.dumps(_data(plan, really)))
        return
    verb = "removed" if really else "would remove"
    for name, release in plan.releases:
        click.echo(f"{verb} release {release} of {name}")
    count = len(plan.files) + len(plan.manifests)
    click.echo(
        f"{verb} {count} files, {plan.bytes / 1e6:.1f} MB, from {cdn}; "
        f"{len(plan.kept)} releases stay"
    )
    if count and not really:
        click.secho("--yes removes them", dim=True)


def _data(plan: CleanPlan, really: bool) -> dict[str, object]:
    return {
        "dry_run": not really,
        "releases": [{"model": name, "release": release} for name, release in plan.releases],
        "files": sorted([*plan.manifests, *plan.files]),
        "bytes": plan.bytes,
    }
