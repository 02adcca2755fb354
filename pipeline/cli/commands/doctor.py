"""`pipeline doctor` says what is there and what is missing, and how a model wants its images."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.base.errors import MissingToolError
from pipeline.cli.commands.common import COMMON, open_store
from pipeline.environment import is_inside


@click.command("doctor")
@click.argument("config", required=False, type=click.Path(path_type=Path), metavar="[CONFIG]")
@COMMON
def command(
    config: Path | None, overrides: tuple[str, ...], store_path: str, as_json: bool
) -> None:
    """List the tools that builds need: there or missing, with the command that mends it.

    With a CONFIG whose samples are labelled images, it gives them to the source model in all usual
    ways (scale, order of channels, resize, order of labels) and says which fits best.

    \b
    Examples:
      pipeline doctor
      pipeline doctor configs/mobilenet.yaml
    """
    if not is_inside():
        _enter()
    if config is not None:
        from pipeline.cli.fitting import run

        run(config, overrides, open_store(store_path), as_json=as_json)
        return
    from pipeline.cli import doctor as examination
    from pipeline.cli import show

    checks = examination.examine()
    show.checks(checks, as_json)
    if not all(check.ok for check in checks if check.required):
        raise click.exceptions.Exit(5)


def _enter() -> None:
    """Go on in the environment; it is not made only to say that it is missing.

    Raises:
        MissingToolError: it is missing, or half of it.
    """
    from pipeline.environment import place
    from pipeline.environment.enter import hand_over

    environment = place.wanted()
    if not environment.is_whole():
        state = "broken" if environment.folder.exists() else "not made yet"
        raise MissingToolError(
            f"the environment is {state}", where=str(environment.folder), todo="run: pipeline setup"
        )
    hand_over(sys.argv[1:])
