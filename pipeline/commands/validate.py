"""`pipeline validate` makes and proves."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.common import COMMON, CONFIGS, judge, made, show


@click.command("validate")
@CONFIGS
@COMMON
def command(
    configs: tuple[Path, ...], overrides: tuple[str, ...], store_path: Path, as_json: bool
) -> None:
    """Make and prove every artifact, and publish nothing.

    \b
    Examples:
      pipeline validate configs/mobilenet.yaml
      pipeline validate configs/mobilenet.yaml --set validate.backends='[tfjs-wasm]'
    """
    for built in made(configs, overrides, store_path, as_json):
        judge(built, as_json)
        show(built, as_json)
