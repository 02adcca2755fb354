"""``pipeline doctor CONFIG``: from a config to what is printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.cli import show_fitting
from pipeline.cli.progress import JsonLines, Lines
from pipeline.engine.store import Store


def run(path: Path, overrides: Sequence[str], store: Store, *, as_json: bool) -> None:
    """Try the usual ways to give the source its images, and print which fits.

    Raises:
        ConfigError: the samples are no labelled images, or the task has no classes.
    """
    from pipeline.config.file import load_config
    from pipeline.fitting.run import fit, image_options, plan_ways

    config = load_config(path, overrides)
    image = image_options(config)
    plan = plan_ways(config, image)
    progress = JsonLines() if as_json else Lines()
    with progress.of(len(plan.nodes)):
        result = fit(plan, store, progress)
    if as_json:
        click.echo(json.dumps(result))
    else:
        show_fitting.show(result, image)
