"""`pipeline clean` frees disk."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.commands.common import JSON, STORE, open_store


@click.command("clean")
@STORE
@JSON
@click.option("--all", "everything", is_flag=True, help="Empty the store: builds start over.")
@click.option("--keep-days", default=30, show_default=True, help="Keep results used since then.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def command(
    store_path: Path, as_json: bool, everything: bool, keep_days: int, dry_run: bool
) -> None:
    """Remove what the store has not needed for a while. What is published stays.

    \b
    Examples:
      pipeline clean --dry-run
      pipeline clean --keep-days 7
      pipeline clean --all
    """
    removed, size = open_store(store_path).clean(0 if everything else keep_days, dry_run)
    if as_json:
        click.echo(json.dumps({"files": removed, "bytes": size, "dry_run": dry_run}))
    else:
        verb = "would remove" if dry_run else "removed"
        click.echo(f"{verb} {removed} files, {size / 1e6:.1f} MB, from {store_path}")
