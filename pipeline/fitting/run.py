"""Tries the usual ways to give a config's source its images."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigError
from pipeline.engine.graph import Node
from pipeline.engine.lanes.local import LocalLanes
from pipeline.fitting.attempt import RESULT, TODO, AttemptOptions, attempt
from pipeline.inputs.image.options import ImageOptions
from pipeline.plan.execute import results
from pipeline.plan.graph import Plan
from pipeline.plan.make import plan_source, reading_of
from pipeline.samples.contract import samples_kinds
from pipeline.tasks.find import need

if TYPE_CHECKING:
    from pipeline.config.config import Config
    from pipeline.engine.store import Store
    from pipeline.engine.watch import Watch

NODE = "try the usual ways"


def fit(plan: Plan, store: Store, watch: Watch) -> dict[str, Any]:
    """Each way that was tried, the best first (``tried``), and the config's own (``config``).

    Args:
        plan: of ``plan_ways``.
    """
    with store.in_use(), LocalLanes(store.root / "logs") as lanes:
        attempts = results(plan, store, lanes, watch)[NODE]
    result: dict[str, Any] = json.loads(store.read(attempts, RESULT))
    return result


def plan_ways(config: Config, image: ImageOptions) -> Plan:
    """The source, and the attempt.

    Args:
        image: of ``image_options``.
    """
    plan = Plan(config=config)
    plan_source(plan)
    nodes = {name: node for name, node in plan.nodes.items() if name != "samples"}
    options = AttemptOptions(reading=reading_of(config), image=image, labels=config.labels or [])
    inputs = {"source": "pull", "frozen": "freeze"}
    nodes[NODE] = Node(NODE, attempt, options, inputs, config.samples.options.local_paths())
    return replace(plan, nodes=nodes)


def image_options(config: Config) -> ImageOptions:
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
