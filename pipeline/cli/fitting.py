"""``pipeline doctor CONFIG``: from a config to what is printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline.base.errors import ConfigError
from pipeline.cli import show_fitting
from pipeline.cli.progress import JsonLines, Lines
from pipeline.config.config import Config
from pipeline.engine.graph import Node
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.store import Store
from pipeline.fitting.attempt import RESULT, TODO, AttemptOptions, attempt
from pipeline.inputs.image.options import ImageOptions
from pipeline.plan.execute import results
from pipeline.plan.graph import Plan
from pipeline.plan.make import plan_source, reading_of
from pipeline.samples.contract import samples_kinds
from pipeline.tasks.find import need

NODE = "try the usual ways"


def run(path: Path, overrides: Sequence[str], store: Store, *, as_json: bool) -> None:
    """Try the usual ways to give the source its images, and print which fits.

    Raises:
        ConfigError: the samples are no labelled images, or the task has no classes.
    """
    from pipeline.config.file import load_config

    config = load_config(path, overrides)
    image = _check(config)
    plan = _plan(config, image)
    progress = JsonLines() if as_json else Lines()
    with store.in_use(), LocalLanes(store.root / "logs") as lanes, progress.of(len(plan.nodes)):
        attempts = results(plan, store, lanes, progress)[NODE]
    result: dict[str, Any] = json.loads(store.read(attempts, RESULT))
    if as_json:
        click.echo(json.dumps(result))
    else:
        show_fitting.show(result, image)


def _plan(config: Config, image: ImageOptions) -> Plan:
    """The source, and the attempt."""
    plan = Plan(config=config)
    plan_source(plan)
    nodes = {name: node for name, node in plan.nodes.items() if name != "samples"}
    options = AttemptOptions(reading=reading_of(config), image=image, labels=config.labels or [])
    inputs = {"source": "pull", "frozen": "freeze"}
    nodes[NODE] = Node(NODE, attempt, options, inputs, config.samples.options.local_paths())
    return replace(plan, nodes=nodes)


def _check(config: Config) -> ImageOptions:
    """What the config says of images; refuses, before any work, what has none, or no classes."""
    kind, where = config.samples.kind, str(config.path or "")
    able = "scores of classes to tell right from wrong by"
    need(lambda task: task.scores, config.task.kind, able, f"{where}: task")
    if samples_kinds()[kind].raw != "image":
        raise ConfigError(
            f"samples of the kind {kind} are taken as they are, so there is nothing to try",
            where=f"{where}: samples",
            todo=TODO,
        )
    if not isinstance(config.input.options, ImageOptions):
        raise ConfigError(
            "nothing says what size and colour the model's images have",
            where=f"{where}: input",
            todo="add input, such as {image: {size: [224, 224], color: rgb, scale: [-1, 1]}}",
        )
    return config.input.options
