"""`pipeline build` makes, proves and publishes."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.common import COMMON, CONFIGS, SIGN, judge, made, show, signer


@click.command("build")
@CONFIGS
@COMMON
@SIGN
@click.option(
    "--no-browsers",
    is_flag=True,
    help="Leave out what needs a browser; a release that needed one is then not published.",
)
def command(
    configs: tuple[Path, ...],
    overrides: tuple[str, ...],
    store_path: Path,
    as_json: bool,
    no_browsers: bool,
    *,
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
    """
    from pipeline import built as job

    signs = signer(sign_key, sign_keyless)
    browsers = not no_browsers
    for built in made(configs, overrides, store_path, as_json, browsers=browsers, publishes=True):
        judge(built, as_json, complete=browsers)
        proved = not job.unavailable(built.manifest)
        show(built, as_json, job.publish(built, signs) if proved else None)
