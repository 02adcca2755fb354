"""`pipeline setup` makes what an installed command runs in, ahead of the first build."""

from __future__ import annotations

import json
import sys

import click

from pipeline.cli.commands.common import JSON
from pipeline.environment import advice, is_clone, is_inside


@click.command("setup")
@click.option("--anew", is_flag=True, help="Make the environment again, though it looks whole.")
@JSON
def command(anew: bool, as_json: bool) -> None:
    """Make the environment of locked packages, and find a browser or install one.

    Other commands make the environment too, where it is missing. It lies in the user's cache,
    for all projects, or where PIPELINE_ENVIRONMENTS says. pip, uv and npm download it, with the
    settings that they have (mirrors, proxies, indexes). PIPELINE_PYTHON names the Python to use.

    \b
    Examples:
      pipeline setup
      pipeline setup --json
      pipeline setup --anew
    """
    if not is_inside():
        from pipeline.environment import enter

        enter.hold(enter.tell, anew=anew)
        enter.hand_over([word for word in sys.argv[1:] if word != "--anew"])
    if anew and is_clone():
        raise click.UsageError(f"this is a clone, with an environment of its own: {advice()}")
    _finish(as_json)


def _finish(as_json: bool) -> None:
    """The browser, and where all of it lies."""
    from pipeline.backends.web.install import find_browser, install

    said = install()
    if as_json:
        browser = find_browser()
        click.echo(json.dumps({"environment": sys.prefix, "browser": str(browser)}))
    else:
        click.echo(said)
        click.echo(f"environment: {sys.prefix}")
