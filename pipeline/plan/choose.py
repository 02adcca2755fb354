"""Chooses the artifacts: each variant in each format that holds it, or why it is left out."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.base.options import StrictOptions
from pipeline.config.config import Config
from pipeline.engine.step import StepFunction
from pipeline.export.contract import Format, FormatOptions, formats
from pipeline.optimize.contract import Stage, Technique
from pipeline.plan.graph import LeftOut, Plan
from pipeline.sources.contract import Source, sources
from pipeline.validate.verdict import NotMade

Chain = list[tuple[Technique, StrictOptions]]


@dataclass(frozen=True)
class Chosen:
    """An artifact that is to be made."""

    variant: str
    chain: Chain
    format: Format
    options: FormatOptions
    takes_own_graph: bool
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


def has_own_graph(config: Config) -> bool:
    """Whether the source as it came is a graph of some format's own kind."""
    gives = source_of(config).gives(config.source.options)
    return any(format_.own in gives for format_ in formats().values() if format_.own)


def _is_own(config: Config, chain: Chain, format_: Format) -> bool:
    """Whether a format takes the source's own graph: no technique changes another one before."""
    gives = source_of(config).gives(config.source.options)
    changed = any(technique.stage in ("model", "frozen") for technique, _ in chain)
    return format_.own in gives and format_.own is not None and not changed


def _has_failed(plan: Plan, variant: str) -> bool:
    return any(name.endswith(f"/{variant}") for name in plan.failed)


def _reasons(plan: Plan, variant: str) -> str:
    reasons = [f"{o.id}: {o.reason}" for o in plan.left_out if o.id.endswith(f"/{variant}")]
    return "; ".join(reasons) or "no format's `variants` names it"


def _by_another_graph(config: Config, chosen: Chosen) -> str | None:
    """Says of an artifact that it might be the source itself, and is not."""
    gives = source_of(config).gives(config.source.options)
    if chosen.takes_own_graph or chosen.format.own not in gives:
        return None
    changing = ", ".join(t.name for t, _ in chosen.chain if t.stage in ("model", "frozen"))
    return (
        f"variants.{chosen.variant}: {changing} takes no model as it came, so that "
        f"{chosen.artifact} is made of TensorFlow's graph"
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


def cannot_hold(
    config: Config, chain: Chain, format_: Format, options: FormatOptions
) -> str | None:
    """Why a format cannot hold a variant; ``None`` where it can."""
    keras = format_.made_of == "keras"
    layered = [format_.name] if keras else [t.name for t, *_ in of_stage(chain, "model")]
    if config.source.cut and layered:
        why = "needs Keras layers, and source.outputs or source.inputs make a graph of it"
        return f"{layered[0]} {why}"
    if format_.made_of not in source_of(config).gives(config.source.options):
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
    if not chosen.takes_own_graph and (
        error := source_of(config).lacks(source.options, source.wanted)
    ):
        return error
    if format_.made_of != "keras" or of_stage(chain, "model"):
        return None  # A technique may make another network.
    architecture = source_of(config).architecture(config.source.options)
    return format_.known_to_lack(architecture) if architecture else None


def source_of(config: Config) -> Source:
    """The kind of a config's source."""
    return sources()[config.source.kind]


def of_stage(chain: Chain, stage: Stage) -> list[tuple[Technique, StepFunction, StrictOptions]]:
    """Those of a chain that are steps of this stage, with their steps."""
    return [(t, t.step, chosen) for t, chosen in chain if t.stage == stage and t.step]
