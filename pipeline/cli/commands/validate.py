"""`pipeline validate` makes and proves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.commands.common import COMMON, CONFIGS, ON, judge, make, show

if TYPE_CHECKING:
    from pipeline.build.result import Built


@click.command("validate")
@CONFIGS
@COMMON
@ON
def command(
    configs: tuple[Path, ...], overrides: tuple[str, ...], store_path: str, as_json: bool, on: str
) -> None:
    """Make and prove every artifact, and publish nothing.

    \b
    Examples:
      pipeline validate configs/mobilenet.yaml
      pipeline validate configs/mobilenet.yaml --set validate.backends='[tfjs-wasm]'
    """

    def judged(built: Built) -> None:
        judge(built, as_json)
        show(built, as_json)

    make(configs, overrides, store_path, as_json, on=on, then=judged)
