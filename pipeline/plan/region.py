"""Plans the detector of a config with ``region``, and the proof of both together.

All steps of the detector's own plan are steps of this one, under names of their own. Whoever built
the detector before finds them in the store.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.artifacts.evidence import of_detector
from pipeline.backends.targets import Target
from pipeline.base.errors import ConfigError
from pipeline.config.config import Config
from pipeline.engine.graph import Node, step_of
from pipeline.plan.artifacts import Package
from pipeline.plan.delivery import plan_page_code
from pipeline.plan.graph import Plan
from pipeline.samples.read import ReadOptions
from pipeline.validate.chain import Reading

#: The node with what both models are to find in pictures.
CHAIN = "chain"


def plan_chain(plan: Plan, detector: Plan, samples: ReadOptions) -> None:
    """Add a detector's plan, and what its source model and this one find together.

    Args:
        samples: how the config's own are read.

    Raises:
        ConfigError: the config's model reads no images, or tells no answers.
    """
    config = plan.config
    rule = config.region
    if rule is None or config.input.kind != "image" or config.purpose.task.answers is None:
        raise ConfigError(
            f"the task {config.task.kind} tells nothing of images that a detector could go before",
            where="region",
            todo="leave region out, or name the task and input: {image: …}",
        )
    plan_page_code(detector)
    for node in detector.nodes.values():
        inputs = {name: named(of) for name, of in node.inputs.items()}
        after = tuple(map(named, node.after))
        plan.add(replace(node, id=named(node.id), inputs=inputs, after=after))
    plan.detector = detector
    options = step_of(
        "pipeline.validate.chain:make",
        region=rule.model_dump(exclude={"detector"}),
        model=reading_of(config),
        detector=reading_of(detector.config),
        samples=samples.model_copy(update={"task": config.purpose}),
    )
    inputs = {"source": "pull", "detector": named("pull")}
    plan.add(Node(CHAIN, *options, inputs, samples.local_paths()))


def named(node: str) -> str:
    """What a node of the detector's plan is called in the plan of both."""
    return f"detector {node}"


def reading_of(config: Config) -> Reading:
    """How a config's model reads images, and what its outputs mean."""
    return Reading(input=config.input.options, task=config.purpose)


def chain_inputs(plan: Plan, package: Package, target: Target) -> dict[str, str]:
    """What the proof of an artifact needs besides, to run behind the detector in a page.

    Raises:
        ConfigError: the detector has no artifact of its format.
    """
    if plan.detector is None or target.engine is None:
        return {}
    same = [other for other in plan.detector.artifacts if other.format == package.format]
    alike = next((other for other in same if other.variant == package.variant), None)
    detector = alike or next(iter(same), None)
    if detector is None:
        raise ConfigError(
            f"the detector {plan.detector.config.name} is not exported to {package.format}",
            where="region.detector",
            todo=f"add {package.format} to the export of its config",
        )
    code, other = plan_page_code(plan), plan_page_code(plan.detector)
    if code is None or other is None:
        raise TypeError("a task without code of pages tells no answers there")
    nodes = {"chain": CHAIN, "detector": named(detector.node)}
    return nodes | {"code": code, "detector_code": named(other)}


def detector_evidence(plan: Plan) -> dict[str, str]:
    """What the detector's own manifest is made of, and that itself, as evidence of this plan."""
    if plan.detector is None:
        return {}
    nodes = {**plan.detector.evidence(), "manifest": "manifest"}
    return {of_detector(name): named(node) for name, node in nodes.items()} | {CHAIN: CHAIN}
