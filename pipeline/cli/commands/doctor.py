"""`pipeline doctor` says what is there and what is missing, and how a model wants its images."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import COMMON, open_store


@click.command("doctor")
@click.argument("config", required=False, type=click.Path(path_type=Path), metavar="[CONFIG]")
@COMMON
def command(
    config: Path | None, overrides: tuple[str, ...], store_path: Path, as_json: bool
) -> None:
    """List the tools that builds need: there or missing, with the command that mends it.

    With a CONFIG whose samples are labelled images, it gives them to the source model in all usual
    ways (scale, order of channels, resize, order of labels) and says which fits best.

    \b
    Examples:
      pipeline doctor
      pipeline doctor configs/mobilenet.yaml
    """
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
