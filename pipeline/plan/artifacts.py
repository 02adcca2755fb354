"""Plans the artifacts: what makes each that was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.backends import kernels
from pipeline.backends.targets import Target, parse
from pipeline.config.bounds import merge_bounds
from pipeline.config.config import Config
from pipeline.engine.graph import Node, step_of
from pipeline.engine.step import find
from pipeline.export.contract import Format, FormatOptions
from pipeline.export.keep import KeepOptions
from pipeline.measures.keep import Keep
from pipeline.measures.metrics import CHAIN
from pipeline.optimize.contract import WeightOptions
from pipeline.plan.choose import Chain, Chosen, of_stage, source_of
from pipeline.plan.graph import OWN, Bounds, Plan
from pipeline.validate.gates import bounds_for
from pipeline.validate.tolerances import number_formats
from pipeline.weights.codec import Codec

#: Of the points of both models together, so many are where the source models have them.
CHAIN_BOUND = 0.95


@dataclass(frozen=True)
class Package:
    """An artifact that is made, and the node that makes it."""

    artifact: str
    format: str
    variant: str
    node: str
    frozen: str
    """The node that holds its graph before any format's own changes."""
    takes_own_graph: bool
    """That graph is the source's own, as it came."""
    bounds: Mapping[str, Bounds]
    plain: bool
    """No technique made it: it is float32's."""
    unportable: bool
    """The config lets it pass though some processors compute it wrongly."""


def plan_packages(plan: Plan, chosen: list[Chosen]) -> list[Package]:
    """Add what makes every artifact that was chosen."""
    return [_plan_package(plan, each) for each in chosen]


def _plan_package(plan: Plan, chosen: Chosen) -> Package:
    """Add the steps that make one artifact."""
    artifact, variant, chain = chosen.artifact, chosen.variant, chosen.chain
    format_, options = chosen.format, chosen.options
    source, frozen = ("pull", OWN) if chosen.takes_own_graph else _plan_frozen(plan, variant, chain)
    model = _plan_converted(plan, chosen, source, frozen)
    encoding = _Encoding.of(chain)
    details = {
        "format": format_.name,
        "variant": variant,
        "shard_bytes": options.shard_bytes,
        "codec": encoding.codec.name if encoding.codec else None,
        "codec_options": encoding.options,
    }
    type_ = format_.package.options_type
    after = _plan_backends(plan, format_, model)
    package = Node(
        f"package {artifact}",
        format_.package,
        type_(**{key: value for key, value in details.items() if key in type_.model_fields}),
        {"model": model} | _plan_kept(plan, artifact, format_, model, encoding),
        extra_key=encoding.version,
        after=after,
    )
    bounds = _bounds(plan.config, artifact, format_.name, chain)
    node = plan.add(package)
    return Package(
        artifact,
        format_.name,
        variant,
        node,
        frozen,
        chosen.takes_own_graph,
        bounds,
        plain=not chain,
        unportable=_may_be_unportable(plan.config, artifact, chain),
    )


@dataclass(frozen=True)
class _Encoding:
    """How a variant's weights are stored, if not in float32."""

    codec: Codec | None
    options: dict[str, Any]
    keep: Keep | None

    @classmethod
    def of(cls, chain: Chain) -> _Encoding:
        for technique, chosen in chain:
            if technique.codec and isinstance(chosen, WeightOptions):
                options = chosen.codec_options()
                # What techniques before have chosen is not to be rounded anew.
                before = any(other.stage in ("model", "frozen") for other, _ in chain)
                if before and technique.codec.encode_all:
                    options["settled"] = True
                return cls(technique.codec, options, chosen.keep)
        return cls(None, {}, None)

    @property
    def version(self) -> int | None:
        return self.codec.version if self.codec else None


def _plan_kept(
    plan: Plan, artifact: str, format_: Format, model: str, encoding: _Encoding
) -> dict[str, str]:
    """The search for weights that are to stay float32, where the config asks for it."""
    if not encoding.keep or not encoding.codec:
        return {}
    options = KeepOptions(
        codec=encoding.codec.name, codec_options=encoding.options, keep=encoding.keep
    )
    node = Node(
        f"keep {artifact}",
        format_.keep,
        options,
        {"model": model, "samples": "samples"},
        extra_key=encoding.version,
    )
    return {"kept": plan.add(node)}


def _bounds(
    config: Config, artifact: str, format_name: str, chain: Chain
) -> dict[str, dict[str, float]]:
    numbers = number_formats(technique for technique, _ in chain)
    task = config.purpose.task
    usual = None if task.agree is None else task.usual
    numbers += source_of(config).narrow(config.source.options)
    bounds = {
        target.id: bounds_for(artifact, target, config.validate_.gates, numbers, usual=usual)
        | _chain_bound(config, artifact, target)
        for target in parse(config.validate_.backends)
        if target.runs(format_name)
    }
    for bound in () if chain else bounds.values():
        bound.pop("latency_ratio", None)  # float32 is what the others are timed with
    return bounds


def _chain_bound(config: Config, artifact: str, target: Target) -> dict[str, float]:
    """Of a model that a detector goes before, in a page: gates say otherwise where they say it."""
    if not (config.region and target.engine):
        return {}
    return {CHAIN: merge_bounds(artifact, target, config.validate_.gates).get(CHAIN, CHAIN_BOUND)}


def _may_be_unportable(config: Config, artifact: str, chain: Chain) -> bool:
    """Whether the config says that some processors may compute it wrongly."""
    gates = config.validate_.gates
    bounds_of = [
        merge_bounds(artifact, target, gates) for target in parse(config.validate_.backends)
    ]
    chosen = not all(technique.portable(options) for technique, options in chain)
    return chosen or any(bounds.get("portable") is False for bounds in bounds_of)


def _plan_frozen(plan: Plan, variant: str, chain: Chain) -> tuple[str, str]:
    """The nodes that hold a variant's Keras model, and its graph; shared where nothing changes."""
    source, frozen = "pull", "freeze"
    for technique, apply, chosen in of_stage(chain, "model"):
        inputs = {"source": source, "teacher": "pull", "samples": "samples"}
        node = Node(f"{technique.name} {variant}", apply, chosen, inputs)
        source = plan.add(node)
    if source != "pull":
        function, no_options = step_of("pipeline.export.freeze:freeze")
        node = Node(f"freeze {variant}", function, no_options, {"source": source})
        frozen = plan.add(node)
    for technique, apply, chosen in of_stage(chain, "frozen"):
        inputs = {"frozen": frozen, "samples": "samples"}
        node = Node(f"{technique.name} {variant}", apply, chosen, inputs)
        frozen = plan.add(node)
    return source, frozen


def _plan_converted(plan: Plan, chosen: Chosen, source: str, frozen: str) -> str:
    """The node that holds the variant in this format, before weights are encoded."""
    variant, chain, format_ = chosen.variant, chosen.chain, chosen.format
    if chosen.takes_own_graph:
        converted = _plan_own(plan, chosen)
    else:
        converted = _plan_from_frozen(plan, chosen, source, frozen)
    for technique, apply, options in of_stage(chain, "graph"):
        name = f"{technique.name} {format_.name}/{variant}"
        inputs = {"model": converted, "samples": "samples"}
        converted = plan.add(Node(name, apply, options, inputs))
    return converted


def _plan_from_frozen(plan: Plan, chosen: Chosen, source: str, frozen: str) -> str:
    format_, options = chosen.format, chosen.options
    suffix = "" if frozen == "freeze" else f" {chosen.variant}"
    inputs = {"frozen": frozen}
    if format_.made_of == "keras":
        inputs["source"] = source
    type_ = format_.convert.options_type
    chosen_keys = options.model_dump(include=set(type_.model_fields), exclude_none=True)
    node = Node(
        f"convert {format_.name}{suffix}",
        format_.convert,
        type_(**chosen_keys),
        inputs,
        after=_plan_operators(plan, format_, options),
    )
    return plan.add(node)


def _plan_own(plan: Plan, chosen: Chosen) -> str:
    """The source's own graph; techniques on graphs take it in the form that they know."""
    format_ = chosen.format
    if format_.convert_own is None:
        raise TypeError(f"{format_.name} takes no graph of a source's own")
    type_ = format_.convert_own.options_type
    keys = chosen.options.model_dump(include=set(type_.model_fields), exclude_none=True)
    usual = bool(of_stage(chosen.chain, "graph"))
    name = f"convert {format_.name}{' usual' if usual else ''}"
    options = type_(**keys, **({"usual": True} if usual else {}))
    return plan.add(Node(name, format_.convert_own, options, {"model": OWN}))


def _plan_operators(plan: Plan, format_: Format, options: FormatOptions) -> tuple[str, ...]:
    """The look for operators that the format lacks, before its conversions."""
    if format_.made_of == "keras":
        return ()  # It is made of layers, not of operators.
    check = find("pipeline.export.operators:check")
    chosen = options.model_dump(include=set(check.options_type.model_fields), exclude_none=True)
    checked = step_of(check, formats=[format_.name], **chosen)
    return (plan.add(Node(f"operators {format_.name}", *checked, {"frozen": "freeze"})),)


def _plan_backends(plan: Plan, format_: Format, converted: str) -> tuple[str, ...]:
    """The look for kernels that backends lack, of runtimes whose kernels are known."""
    backends = plan.config.validate_.backends
    runtimes = [t.definition.runtime for t in parse(backends) if t.runs(format_.name)]
    if format_.made_of == "keras" or not any(map(kernels.has_kernel_list, runtimes)):
        return ()
    checked = step_of("pipeline.export.backends:check", format=format_.name, backends=backends)
    name = f"backends {converted.removeprefix('convert ')}"
    return (plan.add(Node(name, *checked, {"model": converted}, extra_key=kernels.fingerprint())),)
