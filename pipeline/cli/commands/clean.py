"""`pipeline clean` frees disk."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from pipeline.cli.commands.common import JSON, STORE, open_store
from pipeline.environment import enter


@click.command("clean")
@STORE
@JSON
@click.option("--all", "everything", is_flag=True, help="Empty the store: builds start over.")
@click.option("--keep-days", default=30, show_default=True, help="Keep results used since then.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--cdn",
    is_flag=False,
    flag_value="artifacts/cdn",
    metavar="[FOLDER-OR-URL]",
    help="Clean a CDN folder, not the store: artifacts/cdn if none is named.",
)
@click.option(
    "--keep",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="With --cdn: releases of each model that stay, besides those of channels.",
)
@click.option(
    "--grace-hours",
    default=24.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="With --cdn: what was written since stays, as a publisher may still need it.",
)
@click.option(
    "--environments",
    is_flag=True,
    help="Clean the folder of environments, not the store: those of other versions, or --all.",
)
@click.option("--yes", is_flag=True, help="With --cdn: remove it; without, it is only named.")
@click.pass_context
def command(
    context: click.Context,
    *,
    store_path: str,
    as_json: bool,
    everything: bool,
    keep_days: int,
    dry_run: bool,
    cdn: str | None,
    keep: int,
    grace_hours: float,
    environments: bool,
    yes: bool,
) -> None:
    """Remove what the store has not needed for a while. What is published stays.

    With --cdn: remove the oldest releases of a CDN folder, and the files that no other release
    uses. What a channel or a kept release needs always stays. It is only named, without --yes.

    \b
    Examples:
      pipeline clean --dry-run
      pipeline clean --keep-days 7
      pipeline clean --all
      pipeline clean --cdn
      pipeline clean --cdn s3://bucket/cdn --keep 3 --yes
      pipeline clean --environments
    """
    _check(context, cdn)
    if environments:
        _clean_environments(everything, dry_run, as_json)
        return
    enter.hand_over(sys.argv[1:])
    if cdn is None:
        _clean_store(store_path, 0 if everything else keep_days, dry_run, as_json)
        return
    from pipeline.cli.show_published import show_cleaned

    show_cleaned(cdn, keep, grace_hours * 3600, really=yes and not dry_run, as_json=as_json)


def _clean_store(where: str, keep_days: int, dry_run: bool, as_json: bool) -> None:
    if "://" in where:
        raise click.UsageError(
            f"{where} is cleaned by a lifecycle rule of its host: what is missing is made again"
        )
    removed, size = open_store(where).clean(keep_days, dry_run)
    if as_json:
        click.echo(json.dumps({"files": removed, "bytes": size, "dry_run": dry_run}))
    else:
        click.echo(f"{_verb(dry_run)} {removed} files, {size / 1e6:.1f} MB, from {where}")


def _verb(dry_run: bool) -> str:
    return "would remove" if dry_run else "removed"


def _clean_environments(everything: bool, dry_run: bool, as_json: bool) -> None:
    from pipeline.environment.remove import remove

    removed = remove(enter.tell, everything=everything, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps({**asdict(removed), "dry_run": dry_run}, default=str))
        return
    verb = _verb(dry_run)
    for path in removed.folders:
        click.echo(f"{verb} {path}")
    for path in removed.in_use:
        click.echo(f"left {path}: a command runs in it")
    count = len(removed.folders)
    click.echo(f"{verb} {count} old environments, {removed.bytes / 1e9:.1f} GB")


#: Options that mean something only for a CDN folder, and only for the store.
_OF_CDN = ("keep", "grace_hours", "yes")
_OF_STORE = ("everything", "keep_days", "store_path")


def _check(context: click.Context, cdn: str | None) -> None:
    """Refuse options that mean nothing there."""
    if cdn is not None and context.params["environments"]:
        raise click.UsageError("--environments and --cdn are two things: name one")
    wrong = _OF_CDN if cdn is None else _OF_STORE
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in wrong and source is click.core.ParameterSource.COMMANDLINE:
            needs = "needs --cdn" if cdn is None else "is about the store; leave it out with --cdn"
            raise click.UsageError(f"{option.opts[0]} {needs}")
