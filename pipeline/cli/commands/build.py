"""`pipeline build` makes, proves and publishes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.commands.common import (
    COMMON,
    CONFIGS,
    ON,
    SIGN,
    judge,
    make,
    publish,
    show,
    signer,
)

if TYPE_CHECKING:
    from pipeline.build.result import Built


@click.command("build")
@CONFIGS
@COMMON
@ON
@SIGN
@click.option(
    "--no-browsers",
    is_flag=True,
    help="Leave out what needs a browser; a release that needed one is then not published.",
)
@click.option(
    "--allow-incomplete",
    is_flag=True,
    help="Publish what was made and proved where other artifacts could not be made.",
)
def command(
    configs: tuple[Path, ...],
    overrides: tuple[str, ...],
    store_path: str,
    as_json: bool,
    on: str,
    *,
    no_browsers: bool,
    allow_incomplete: bool,
    sign_key: Path | None,
    sign_keyless: bool,
) -> None:
    """Make, prove and publish every artifact of CONFIG.

    \b
    Examples:
      pipeline build configs/mobilenet.yaml
      pipeline build configs/*.yaml --json
      pipeline build configs/mobilenet.yaml --set variants.uint8.quantize=uint16
      pipeline build configs/mobilenet.yaml --sign-key release.pem
      pipeline build configs/*.yaml --on tcp://scheduler:8786 --store s3://bucket/store
    """
    signs = signer(sign_key, sign_keyless)
    browsers = not no_browsers

    def published(built: Built) -> None:
        judge(built, as_json, complete=browsers, whole=not allow_incomplete)
        show(built, as_json, publish(built, signs) if built.verdict.is_complete else None)

    make(
        configs,
        overrides,
        store_path,
        as_json,
        browsers=browsers,
        publishes=True,
        on=on,
        then=published,
    )
