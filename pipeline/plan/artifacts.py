"""Plans the artifacts: each variant in each format that holds it, or why it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.backends import kernels
from pipeline.backends.targets import parse
from pipeline.base.errors import ConfigError, PipelineError
from pipeline.base.options import StrictOptions
from pipeline.config.bounds import merge_bounds
from pipeline.config.config import Config
from pipeline.engine.graph import Node, step_of
from pipeline.engine.step import StepFunction, find
from pipeline.export.contract import Format, FormatOptions, formats
from pipeline.export.keep import KeepOptions
from pipeline.measures.keep import Keep
from pipeline.optimize.contract import Stage, Technique, WeightOptions
from pipeline.plan.graph import OWN, Bounds, LeftOut, Plan
from pipeline.sources.contract import Source, sources
from pipeline.validate.gates import bounds_for
from pipeline.validate.tolerances import number_formats
from pipeline.validate.verdict import NotMade
from pipeline.weights.codec import Codec

Chain = list[tuple[Technique, StrictOptions]]


@dataclass(frozen=True)
class Package:
    """An artifact that is made, and the node that makes it."""

    artifact: str
    format: str
    variant: str
    node: str
    frozen: str
    """The node that holds its graph before any format's own changes."""
    own: bool
    """That graph is the source's own, as it came."""
    bounds: Mapping[str, Bounds]
    plain: bool
    """No technique made it: it is float32's."""
    unportable: bool
    """The config lets it pass though some processors compute it wrongly."""


@dataclass(frozen=True)
class Chosen:
    """An artifact that is to be made."""

    variant: str
    chain: Chain
    format: Format
    options: FormatOptions
    own: bool
    """It is made of the source's own graph."""

    @property
    def artifact(self) -> str:
        return f"{self.format.name}/{self.variant}"


def choose_artifacts(plan: Plan) -> list[Chosen]:
    """What the config asks for and can have; what is left out or known to fail is noted.

    Raises:
        ConfigError: a variant fits no format.
    """
    every: list[Chosen] = []
    for name, variant in plan.config.variants.items():
        chain = variant.techniques()
        of_variant = [
            Chosen(name, chain, format_, options, _is_own(plan.config, chain, format_))
            for format_, options in plan.config.export.formats()
            if options.variants is None or name in options.variants
        ]
        chosen = [each for each in of_variant if _is_possible(plan, each)]
        plan.notes += [note for each in chosen if (note := _by_another_graph(plan.config, each))]
        every += chosen
        if not chosen and not _has_failed(plan, name):
            raise ConfigError(
                f"variant {name} would be exported to no format: {_reasons(plan, name)}",
                where=f"variants.{name}",
                todo="add a format that holds it, or leave the variant out",
            )
    if not every:
        raise ConfigError(
            "; ".join(f"{failed.id}: {failed.reason}" for failed in plan.failed.values()),
            where="export",
            todo="add another format, or change the model: nothing is left to be made",
        )
    return every


def plan_packages(plan: Plan, chosen: list[Chosen]) -> list[Package]:
    """Add what makes every artifact that was chosen."""
    return [_plan_package(plan, each) for each in chosen]


def has_own_graph(config: Config) -> bool:
    """Whether the source as it came is a graph of some format's own kind."""
    gives = _source(config).gives(config.source.options)
    return any(format_.own in gives for format_ in formats().values() if format_.own)


def _is_own(config: Config, chain: Chain, format_: Format) -> bool:
    """Whether a format takes the source's own graph: no technique changes another one before."""
    gives = _source(config).gives(config.source.options)
    changed = any(technique.stage in ("model", "frozen") for technique, _ in chain)
    return format_.own in gives and format_.own is not None and not changed


def _has_failed(plan: Plan, variant: str) -> bool:
    return any(name.endswith(f"/{variant}") for name in plan.failed)


def _reasons(plan: Plan, variant: str) -> str:
    reasons = [f"{o.id}: {o.reason}" for o in plan.left_out if o.id.endswith(f"/{variant}")]
    return "; ".join(reasons) or "no format's `variants` names it"


def _by_another_graph(config: Config, chosen: Chosen) -> str | None:
    """Says of an artifact that it might be the source itself, and is not."""
    gives = _source(config).gives(config.source.options)
    if chosen.own or chosen.format.own not in gives:
        return None
    changing = ", ".join(t.name for t, _ in chosen.chain if t.stage in ("model", "frozen"))
    return (
        f"variants.{chosen.variant}: {changing} works on TensorFlow's graph, so that "
        f"{chosen.artifact} is made of TensorFlow's graph too, and not of the model as it came"
    )


def _is_possible(plan: Plan, chosen: Chosen) -> bool:
    """Whether an artifact can be made; if not, the plan says why."""
    artifact, chain, format_ = chosen.artifact, chosen.chain, chosen.format
    if artifact in plan.failed:
        return False
    if reason := cannot_hold(plan.config, chain, format_, chosen.options):
        plan.left_out.append(LeftOut(artifact, reason))
        return False
    if error := _known_to_fail(plan.config, chosen):
        plan.failed[artifact] = NotMade.at(artifact, f"convert {format_.name}", error)
        return False
    return True


def _plan_package(plan: Plan, chosen: Chosen) -> Package:
    """Add the steps that make one artifact."""
    artifact, variant, chain = chosen.artifact, chosen.variant, chosen.chain
    format_, options = chosen.format, chosen.options
    source, frozen = ("pull", OWN) if chosen.own else _plan_frozen(plan, variant, chain)
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
        chosen.own,
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
    answered = config.task.purpose.task.agree is not None
    numbers += _source(config).narrow(config.source.options)
    bounds = {
        target.id: bounds_for(artifact, target, config.validate_.gates, numbers, answered=answered)
        for target in parse(config.validate_.backends)
        if target.runs(format_name)
    }
    for bound in () if chain else bounds.values():
        bound.pop("latency_ratio", None)  # float32 is what the others are timed with
    return bounds


def _may_be_unportable(config: Config, artifact: str, chain: Chain) -> bool:
    """Whether the config says that some processors may compute it wrongly."""
    gates = config.validate_.gates
    bounds_of = [
        merge_bounds(artifact, target, gates) for target in parse(config.validate_.backends)
    ]
    chosen = not all(technique.portable(options) for technique, options in chain)
    return chosen or any(bounds.get("portable") is False for bounds in bounds_of)


def cannot_hold(
    config: Config, chain: Chain, format_: Format, options: FormatOptions
) -> str | None:
    """Why a format cannot hold a variant; ``None`` where it can."""
    keras = format_.made_of == "keras"
    layered = [format_.name] if keras else [t.name for t, *_ in _of_stage(chain, "model")]
    if config.source.cut and layered:
        why = "needs Keras layers, and source.outputs or source.inputs make a graph of it"
        return f"{layered[0]} {why}"
    if format_.made_of not in _source(config).gives(config.source.options):
        return f"{format_.name} is made of Keras layers, which a {config.source.kind} has not"
    for technique, _ in chain:
        if technique.stage == "frozen" and keras:
            return f"{format_.name} is made of Keras layers, and {technique.name} changes a graph"
        if technique.formats is not None and format_.name not in technique.formats:
            return technique.reason
        if refused := format_.cannot_hold(technique.name, options):
            return refused
    return None


def _known_to_fail(config: Config, chosen: Chosen) -> PipelineError | None:
    """What a format's conversion would raise, where the source's file tells."""
    chain, format_, source = chosen.chain, chosen.format, config.source
    if not chosen.own and (error := _source(config).lacks(source.options, source.wanted)):
        return error
    if format_.made_of != "keras" or _of_stage(chain, "model"):
        return None  # A technique may make another network.
    architecture = _source(config).architecture(config.source.options)
    return format_.known_to_lack(architecture) if architecture else None


def _source(config: Config) -> Source:
    return sources()[config.source.kind]


def _plan_frozen(plan: Plan, variant: str, chain: Chain) -> tuple[str, str]:
    """The nodes that hold a variant's Keras model, and its graph; shared where nothing changes."""
    source, frozen = "pull", "freeze"
    for technique, apply, chosen in _of_stage(chain, "model"):
        inputs = {"source": source, "teacher": "pull", "samples": "samples"}
        node = Node(f"{technique.name} {variant}", apply, chosen, inputs)
        source = plan.add(node)
    if source != "pull":
        function, no_options = step_of("pipeline.export.freeze:freeze")
        node = Node(f"freeze {variant}", function, no_options, {"source": source})
        frozen = plan.add(node)
    for technique, apply, chosen in _of_stage(chain, "frozen"):
        inputs = {"frozen": frozen, "samples": "samples"}
        node = Node(f"{technique.name} {variant}", apply, chosen, inputs)
        frozen = plan.add(node)
    return source, frozen


def _plan_converted(plan: Plan, chosen: Chosen, source: str, frozen: str) -> str:
    """The node that holds the variant in this format, before weights are encoded."""
    variant, chain, format_ = chosen.variant, chosen.chain, chosen.format
    if chosen.own:
        converted = _plan_own(plan, chosen)
    else:
        converted = _plan_from_frozen(plan, chosen, source, frozen)
    for technique, apply, options in _of_stage(chain, "graph"):
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
    usual = bool(_of_stage(chosen.chain, "graph"))
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


def _of_stage(chain: Chain, stage: Stage) -> list[tuple[Technique, StepFunction, StrictOptions]]:
    """Those of a chain that are steps of this stage, with their steps."""
    return [(t, t.step, chosen) for t, chosen in chain if t.stage == stage and t.step]
