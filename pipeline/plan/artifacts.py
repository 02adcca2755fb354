"""Plans the artifacts: each variant in each format that holds it, or why it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pipeline.backends.targets import parse
from pipeline.base.errors import ConfigError, PipelineError
from pipeline.base.options import Options
from pipeline.base.registry import discover
from pipeline.config.bounds import asked
from pipeline.config.config import Config
from pipeline.engine.graph import Node, step_of
from pipeline.plan.graph import Bounds, LeftOut, Plan
from pipeline.validate.gates import bounds_for
from pipeline.validate.tolerances import number_formats
from pipeline.validate.verdict import NotMade

Chain = list[tuple[ModuleType, Options]]


@dataclass(frozen=True)
class Package:
    """An artifact that is made, and the node that makes it."""

    artifact: str
    format: str
    variant: str
    node: str
    frozen: str
    """The node that holds its graph before any format's own changes."""
    bounds: Mapping[str, Bounds]
    plain: bool
    """No technique made it: it is float32's."""
    unportable: bool
    """The config lets it pass though some processors compute it wrongly."""


def plan_packages(plan: Plan) -> list[Package]:
    """Add what makes every artifact that the config asks for.

    Raises:
        ConfigError: a variant fits no format.
    """
    packages = []
    for name, variant in plan.config.variants.items():
        chain = variant.techniques()
        made = [
            _plan_package(plan, name, chain, module, options)
            for module, options in plan.config.export.formats()
            if options.variants is None or name in options.variants
        ]
        packages += [package for package in made if package]
        if not any(made) and not _has_failed(plan, name):
            raise ConfigError(
                f"variant {name} would be exported to no format: {_reasons(plan, name)}",
                where=f"variants.{name}",
                todo="add a format that holds it, or leave the variant out",
            )
    if not packages:
        raise ConfigError(
            "; ".join(f"{failed.id}: {failed.reason}" for failed in plan.failed.values()),
            where="export",
            todo="add another format, or change the model: nothing is left to be made",
        )
    return packages


def _has_failed(plan: Plan, variant: str) -> bool:
    return any(name.endswith(f"/{variant}") for name in plan.failed)


def _reasons(plan: Plan, variant: str) -> str:
    reasons = [f"{o.id}: {o.reason}" for o in plan.left_out if o.id.endswith(f"/{variant}")]
    return "; ".join(reasons) or "no format's `variants` names it"


def _plan_package(
    plan: Plan, variant: str, chain: Chain, module: ModuleType, options: Any
) -> Package | None:
    """Add the steps that make one artifact, or say why it is left out."""
    artifact = f"{module.FORMAT}/{variant}"
    if artifact in plan.failed:
        return None
    reason = cannot_hold(plan.config, chain, module, options)
    if reason:
        plan.left_out.append(LeftOut(artifact, reason))
        return None
    if error := _known_to_fail(plan.config, chain, module):
        plan.failed[artifact] = NotMade.at(artifact, f"convert {module.FORMAT}", error)
        return None
    source, frozen = _plan_frozen(plan, variant, chain)
    model = _plan_converted(plan, variant, chain, module, options, source, frozen)
    codec, chosen = next(((m, o) for m, o in chain if m.STAGE == "weights"), (None, None))
    details = {
        "format": module.FORMAT,
        "variant": variant,
        "shard_bytes": options.shard_bytes,
        "codec": _name(codec) if codec else None,
        "codec_options": _codec_options(codec, chosen, chain),
    }
    type_ = module.package.options_type
    package = Node(
        f"package {artifact}",
        module.package,
        type_(**{key: value for key, value in details.items() if key in type_.model_fields}),
        {"model": model},
        extra_key=getattr(codec, "VERSION", None),
    )
    bounds = _bounds(plan.config, artifact, module.FORMAT, chain)
    node = plan.add(package)
    return Package(
        artifact,
        module.FORMAT,
        variant,
        node,
        frozen,
        bounds,
        plain=not chain,
        unportable=_may_be_unportable(plan.config, artifact, chain),
    )


def _codec_options(codec: Any, chosen: Options | None, chain: Chain) -> dict[str, Any]:
    """A codec's options, and that it is to keep what techniques before it have chosen."""
    options = chosen.key() if chosen else {}
    before = any(technique.STAGE in ("model", "frozen") for technique, _ in chain)
    return options | ({"keep": True} if before and hasattr(codec, "encode_all") else {})


def _bounds(
    config: Config, artifact: str, format_name: str, chain: Chain
) -> dict[str, dict[str, float]]:
    numbers = number_formats(technique for technique, _ in chain)
    bounds = {
        target.id: bounds_for(artifact, target, config.validate_.gates, numbers)
        for target in parse(config.validate_.backends)
        if target.runs(format_name)
    }
    for one in () if chain else bounds.values():
        one.pop("latency_ratio", None)  # float32 is what the others are timed with
    return bounds


def _may_be_unportable(config: Config, artifact: str, chain: Chain) -> bool:
    """Whether the config says that some processors may compute it wrongly."""
    gates = config.validate_.gates
    said = [asked(artifact, target, gates) for target in parse(config.validate_.backends)]
    chosen = any(getattr(options, "portable", True) is False for _, options in chain)
    return chosen or any(bounds.get("portable") is False for bounds in said)


def cannot_hold(config: Config, chain: Chain, module: ModuleType, options: Any) -> str | None:
    """Why a format cannot hold a variant; ``None`` where it can."""
    source = discover("sources", "pull")[config.source.kind]
    keras = getattr(source, "KERAS", True)
    if getattr(module, "NEEDS_KERAS", False) and not keras:
        return f"{module.FORMAT} is made of Keras layers, which a {config.source.kind} has not"
    for technique, _ in chain:
        if technique.STAGE == "frozen" and getattr(module, "NEEDS_KERAS", False):
            return (
                f"{module.FORMAT} is made of Keras layers, and {_name(technique)} changes a graph"
            )
        if module.FORMAT not in getattr(technique, "FORMATS", (module.FORMAT,)):
            reason: str = technique.REASON
            return reason
        if hasattr(module, "cannot_hold"):
            refused: str | None = module.cannot_hold(_name(technique), options)
            if refused:
                return refused
    return None


def _known_to_fail(config: Config, chain: Chain, module: ModuleType) -> PipelineError | None:
    """What a format's conversion would raise, where the source's file tells."""
    known_to_lack = getattr(module, "known_to_lack", None)
    if known_to_lack is None or _of_stage(chain, "model"):
        return None  # A technique may make another network.
    source = discover("sources", "pull")[config.source.kind]
    architecture = getattr(source, "architecture", lambda options: None)(config.source.options)
    error: PipelineError | None = known_to_lack(architecture) if architecture else None
    return error


def _plan_frozen(plan: Plan, variant: str, chain: Chain) -> tuple[str, str]:
    """The nodes that hold a variant's Keras model, and its graph; shared where nothing changes."""
    source, frozen = "pull", "freeze"
    for technique, chosen in _of_stage(chain, "model"):
        inputs = {"source": source, "teacher": "pull", "samples": "samples"}
        node = Node(f"{_name(technique)} {variant}", technique.apply, chosen, inputs)
        source = plan.add(node)
    if source != "pull":
        function, no_options = step_of("pipeline.export.freeze:freeze")
        node = Node(f"freeze {variant}", function, no_options, {"source": source})
        frozen = plan.add(node)
    for technique, chosen in _of_stage(chain, "frozen"):
        inputs = {"frozen": frozen, "samples": "samples"}
        node = Node(f"{_name(technique)} {variant}", technique.apply, chosen, inputs)
        frozen = plan.add(node)
    return source, frozen


def _plan_converted(
    plan: Plan, variant: str, chain: Chain, module: ModuleType, options: Any, *made: str
) -> str:
    """The node that holds the variant in this format, before weights are encoded."""
    source, frozen = made
    suffix = "" if frozen == "freeze" else f" {variant}"
    inputs = {"frozen": frozen}
    if getattr(module, "NEEDS_KERAS", False):
        inputs["source"] = source
    type_ = module.convert.options_type
    chosen_keys = options.model_dump(include=set(type_.model_fields))
    node = Node(
        f"convert {module.FORMAT}{suffix}",
        module.convert,
        type_(**chosen_keys),
        inputs,
        after=_plan_operators(plan, module, options),
    )
    converted = plan.add(node)
    for technique, chosen in _of_stage(chain, "graph"):
        name = f"{_name(technique)} {module.FORMAT}/{variant}"
        inputs = {"model": converted, "samples": "samples"}
        converted = plan.add(Node(name, technique.apply, chosen, inputs))
    return converted


def _plan_operators(plan: Plan, module: ModuleType, options: Any) -> tuple[str, ...]:
    """The look for operators that the format lacks, before its conversions."""
    if getattr(module, "NEEDS_KERAS", False):
        return ()  # It is made of layers, not of operators.
    opset = {"opset": options.opset} if hasattr(options, "opset") else {}
    checked = step_of("pipeline.export.operators:check", formats=[module.FORMAT], **opset)
    return (plan.add(Node(f"operators {module.FORMAT}", *checked, {"frozen": "freeze"})),)


def _of_stage(chain: Chain, stage: str) -> Chain:
    return [pair for pair in chain if stage == pair[0].STAGE]


def _name(module: ModuleType) -> str:
    name: str = getattr(module, "NAME", module.__name__.rpartition(".")[2])
    return name
