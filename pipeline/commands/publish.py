"""`pipeline publish` publishes what was proved before."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.common import COMMON, CONFIGS, judge, open_store, show


@click.command("publish")
@CONFIGS
@COMMON
def command(
    configs: tuple[Path, ...], overrides: tuple[str, ...], store_path: Path, as_json: bool
) -> None:
    """Publish what the store already holds proved; make nothing.

    \b
    Example:
      pipeline publish configs/mobilenet.yaml --set publish.to=/srv/cdn
    """
    from pipeline import built as job
    from pipeline.builds import plans
    from pipeline.job import stored

    store = open_store(store_path)
    with store.in_use():
        for path, planned in plans(configs, overrides).items():
            built = stored(planned, path, store, overrides)
            judge(built, as_json)
            show(built, as_json, job.publish(built))
