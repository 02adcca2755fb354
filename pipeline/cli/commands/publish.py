"""`pipeline publish` publishes what was proved before."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import (
    COMMON,
    CONFIGS,
    SIGN,
    judge,
    open_store,
    publish,
    show,
    signer,
)


@click.command("publish")
@CONFIGS
@COMMON
@SIGN
def command(
    configs: tuple[Path, ...],
    overrides: tuple[str, ...],
    store_path: str,
    as_json: bool,
    *,
    sign_key: Path | None,
    sign_keyless: bool,
) -> None:
    """Publish what the store already holds proved; make nothing.

    What is published already and unsigned is signed with --sign-key.

    \b
    Examples:
      pipeline publish configs/mobilenet.yaml --set publish.to=/srv/cdn
      pipeline publish configs/mobilenet.yaml --sign-key release.pem
    """
    from pipeline.build.batch import plan_configs
    from pipeline.build.make import read_build

    signs = signer(sign_key, sign_keyless)
    store = open_store(store_path)
    with store.in_use():
        for planned in plan_configs(configs, overrides, store=store).values():
            built = read_build(planned, store, overrides)
            judge(built, as_json)
            show(built, as_json, publish(built, signs))
