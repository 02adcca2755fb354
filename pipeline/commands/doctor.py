"""`pipeline doctor` says what is there and what is missing."""

from __future__ import annotations

import click

from pipeline.commands.common import JSON


@click.command("doctor")
@JSON
def command(as_json: bool) -> None:
    """List the tools that builds need: there or missing, with the command that mends it.

    \b
    Example:
      pipeline doctor
    """
    from pipeline import doctor as examination
    from pipeline import show

    checks = examination.examine()
    show.checks(checks, as_json)
    if not all(check.ok for check in checks if check.required):
        raise click.exceptions.Exit(5)
