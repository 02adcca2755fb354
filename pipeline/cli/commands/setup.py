"""`pipeline setup` makes what an installed command runs in, ahead of the first build."""

from __future__ import annotations

import json
import os
import sys

import click

from pipeline.base.errors import MissingToolError
from pipeline.cli.commands.common import JSON
from pipeline.environment import advice, is_clone, is_inside


@click.command("setup")
@click.option("--anew", is_flag=True, help="Make the environment again, though it looks whole.")
@click.option(
    "--offline", is_flag=True, help="Use no network: take what the caches of pip, uv and npm have."
)
@JSON
def command(anew: bool, offline: bool, as_json: bool) -> None:
    """Make the environment of locked packages, and find a browser or install one.

    Other commands make the environment too, where it is missing. It lies in the user's cache,
    for all projects, or where PIPELINE_ENVIRONMENTS says. pip, uv and npm download it, with the
    settings that they have (mirrors, proxies, indexes). PIPELINE_PYTHON names the Python to use.

    \b
    Examples:
      pipeline setup
      pipeline setup --json
      pipeline setup --anew
      pipeline setup --offline
    """
    if not is_inside():
        from pipeline.environment import enter, install

        os.environ.update(install.OFFLINE if offline else {})
        enter.hold(enter.tell, anew=anew)
        enter.hand_over([word for word in sys.argv[1:] if word != "--anew"])
    if anew and is_clone():
        raise click.UsageError(f"this is a clone, with an environment of its own: {advice()}")
    _finish(offline, as_json)


def _finish(offline: bool, as_json: bool) -> None:
    """The browser, and where all of it lies.

    Raises:
        MissingToolError: there is none, and none could be installed.
    """
    from pipeline.backends.web.install import find_browser, install

    if offline and find_browser() is None:
        raise MissingToolError(
            "no Chromium-family browser", todo="install one, or leave out --offline"
        )
    said = install()
    if as_json:
        browser = find_browser()
        click.echo(json.dumps({"environment": sys.prefix, "browser": str(browser)}))
    else:
        click.echo(said)
        click.echo(f"environment: {sys.prefix}")
