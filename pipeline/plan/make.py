"""Config -> plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from pipeline.artifacts import evidence
from pipeline.artifacts.artifact import DESCRIPTION
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.proof import HalfProof, Portability, Proof, Ranges, Twins
from pipeline.artifacts.samples_folder import Golden, SamplesFolder
from pipeline.artifacts.source_folder import Identity
from pipeline.config.config import Config
from pipeline.engine.graph import Node, step_of
from pipeline.engine.step import find
from pipeline.plan.artifacts import plan_packages
from pipeline.plan.choose import choose_artifacts, has_own_graph
from pipeline.plan.delivery import delivered, plan_wire
from pipeline.plan.graph import OWN, Plan, Searches
from pipeline.plan.notes import notes
from pipeline.plan.proofs import plan_artifact, plan_golden
from pipeline.plan.region import detector_evidence, plan_chain
from pipeline.publish.delivery import runtime
from pipeline.publish.release import manifest
from pipeline.samples.read import ReadOptions, read
from pipeline.sources.contract import sources
from pipeline.storage.layout import MANIFEST
from pipeline.tensors.signature import FILE as SIGNATURE
from pipeline.validate import canary, confidence
from pipeline.validate.verdict import NotMade


def make_plan(
    config: Config,
    searches: Searches | None = None,
    *,
    browsers: bool = True,
    failed: Mapping[str, NotMade] | None = None,
) -> Plan:
    """Plan everything that ``config`` asks for.

    Args:
        config: without searches.
        searches: what became of those that it had.
        browsers: without them, what needs one is planned to be reported as unavailable.
        failed: artifacts that could not be made; the plan is of the others.

    Raises:
        ConfigError: a variant fits no format, or an artifact could not be proved anywhere.
    """
    plan = Plan(
        config=config,
        searches=searches or Searches(),
        browsers=browsers,
        failed=dict(failed or {}),
    )
    plan.notes += notes(config)
    chosen = choose_artifacts(plan)
    plan_source(plan, frozen=not all(each.takes_own_graph for each in chosen))
    # All of TensorFlow's conversions come before the golden: what is made of them runs beside it.
    packages = plan_packages(plan, chosen)
    if config.detector:
        detector = make_plan(config.detector, browsers=browsers)
        plan_chain(plan, detector, reading_of(config))
    plan_golden(plan, packages)
    plan_wire(plan, packages)
    plan.artifacts += [plan_artifact(plan, package, packages) for package in packages]
    _plan_manifest(plan)
    return plan


def plan_source(plan: Plan, *, frozen: bool = True) -> None:
    """Pull the model, read it as it came or freeze it, or both; read the samples.

    Args:
        frozen: whether a graph of TensorFlow's is needed.
    """
    config = plan.config
    source = sources()[config.source.kind]
    remote = source.remote_files(config.source.options)
    files = {**config.source.options.local_paths(), **remote}
    cut = config.source.cut
    pull = "pull whole" if cut else "pull"
    plan.add(Node(pull, source.pull, config.source.options, files=files))
    if cut:
        plan.add(Node("pull", find("pipeline.sources.cut:cut"), cut, {"source": pull}))
    if has_own_graph(config):
        plan.described = OWN
        plan.add(Node(OWN, *step_of("pipeline.sources.own:read"), {"source": "pull"}))
    if frozen:
        plan.add(Node("freeze", *step_of("pipeline.export.freeze:freeze"), {"source": "pull"}))
    _plan_samples(plan)


def _plan_samples(plan: Plan) -> None:
    reading = reading_of(plan.config)
    step = step_of(read, **reading.model_dump())
    files = reading.local_paths()
    plan.add(Node("samples", *step, {"frozen": plan.described}, files, reads=(SIGNATURE,)))


def reading_of(config: Config) -> ReadOptions:
    """How a config's samples are read."""
    return ReadOptions(
        kind=config.samples.kind,
        options=config.samples.options.model_dump(mode="json"),
        input=config.input.kind,
        input_options=config.input.options.model_dump(mode="json"),
        task=config.purpose,
    )


def _plan_searches(plan: Plan) -> dict[str, str]:
    """What searches found, as a part of what the manifest is made of."""
    for name, outcome in plan.searches.outcomes.items():
        keep = step_of("pipeline.search.keep:keep", outcome=outcome)
        plan.add(Node(evidence.name_search(name), *keep))
    names = map(evidence.name_search, plan.searches.outcomes)
    return {name: name for name in names}


def _plan_manifest(plan: Plan) -> None:
    config = plan.config
    identify = step_of("pipeline.publish.release.manifest:identify")
    plan.add(Node("identify source", *identify, {"source": "pull"}))
    inputs = {"source": "identify source", "frozen": plan.described}
    inputs |= {"samples": "samples", "golden": "golden"}
    artifacts = []
    for artifact in plan.artifacts:
        inputs[artifact.id] = artifact.node
        for target, node in artifact.proofs.items():
            inputs[evidence.name_proof(artifact.id, target)] = node
        inputs[evidence.name_ranges(artifact.id)] = artifact.ranges
        if artifact.graph:
            inputs[evidence.name_graph(artifact.id)] = artifact.graph
        if artifact.half:
            inputs[evidence.name_half(artifact.id)] = artifact.half
        if artifact.portable:
            inputs[evidence.name_portability(artifact.id)] = artifact.portable
        chain = config.variants[artifact.variant].techniques()
        retrained = any(technique.stage == "model" for technique, _ in chain)
        named = {"id": artifact.id, "variant": artifact.variant}
        kind = {"plain": not chain, "retrained": retrained, "unportable": artifact.unportable}
        artifacts.append({**named, **kind, "targets": artifact.bounds})
    inputs |= delivered(plan) | _plan_searches(plan) | detector_evidence(plan)
    described = config.model_dump(mode="json", include=set(_DESCRIPTIVE))
    described["input"] = {config.input.kind: config.input.options.key()}
    described |= {"task": config.task.kind, "task_options": config.purpose.options}
    options = {
        "config": described,
        "artifacts": artifacts,
        "drop_dominated": config.publish.drop_dominated,
        "strict": config.validate_.strict,
        "region": config.region.model_dump(mode="json", exclude={"detector"})
        if config.region
        else None,
        "searches": list(plan.searches.outcomes),
        "not_made": [asdict(failed) for failed in plan.failed.values()],
        "source": {
            "kind": config.source.kind,
            **config.source.options.key(),
            **config.source.stated,
        },
    }
    write = step_of("pipeline.publish.release.manifest:write", **options)
    plan.add(Node("manifest", *write, inputs, reads=_DESCRIBING))


#: The files of results that the manifest is made of, out of tens of megabytes.
_DESCRIBING = (
    *(Identity.FILE, Frozen.FACTS, SIGNATURE, SamplesFolder.DESCRIPTION, Golden.FACTS),
    *(canary.RESULT, confidence.FILE, DESCRIPTION, Twins.FILE, Proof.FILE, Ranges.FILE),
    *(HalfProof.FILE, Portability.FILE, runtime.DESCRIPTION, manifest.SEARCH, MANIFEST),
)


#: What of a config the users of a release should know.
_DESCRIPTIVE = ("name", "description", "license", "labels")
