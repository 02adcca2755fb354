"""The manifest: what a release holds, what was measured, and what passed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from pipeline.artifacts.evidence import Evidence, name_search, of_detector
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.proof import Twins
from pipeline.artifacts.samples_folder import Golden, SamplesFolder
from pipeline.artifacts.source_folder import Identity, SourceFolder
from pipeline.base import tools
from pipeline.base.options import NoOptions, StrictOptions
from pipeline.engine.step import Files, step
from pipeline.manifest.parse import release_id
from pipeline.measures.metrics import metric_of
from pipeline.publish.delivery import runtime
from pipeline.publish.delivery.compress import total
from pipeline.storage.layout import MANIFEST, TWINS
from pipeline.validate import canary, portable
from pipeline.validate.canary_tolerance import canary_of
from pipeline.validate.cascade_candidates import calibrate
from pipeline.validate.dominance import find_dominated
from pipeline.validate.gates import Facts, judge, not_applied
from pipeline.validate.half import half_precision
from pipeline.validate.trust import doubt
from pipeline.validate.verdict import NotMade

if TYPE_CHECKING:
    from pipeline.manifest import release
    from pipeline.manifest.artifact import Artifact, File, HalfPrecision, Portability
    from pipeline.manifest.proof import LowestAccuracy, SourceAccuracy, Validation
    from pipeline.manifest.release import Dropped, FoundBySearch, Manifest, Samples, Source, Spec
    from pipeline.tensors.signature import TensorSpec

#: What a search tells the users of a release, among its results.
SEARCH = "summary.json"


class Proved(StrictOptions):
    """One artifact and the targets it was to run on."""

    id: str
    variant: str
    plain: bool
    """Whether it is the model without techniques: it stays in every release."""
    retrained: bool = False
    """Whether a technique changed the model itself: its outputs are another network's."""
    targets: dict[str, dict[str, float]]
    """Target -> metric -> the bound that holds there."""
    unportable: bool = False
    """Whether it may be wrong on some processors: the config says so."""


class ManifestOptions(StrictOptions):
    """What the config says that users of a release should know."""

    config: dict[str, Any]
    source: dict[str, Any]
    artifacts: list[Proved]
    drop_dominated: bool
    strict: bool = False
    """Whether shares of samples are held to their bounds without regard to chance."""
    region: dict[str, Any] | None = None
    """Where the model looks, of one that a detector goes before."""
    searches: list[str] = Field(default=[])
    """The variants that a search found."""
    not_made: list[NotMade] = Field(default=[])
    """What of the config could not be made."""


@step(version=2, quick=True)
def identify(source: SourceFolder, options: NoOptions, work: Path) -> None:
    """SOURCE -> IDENTITY: its digest, and what its author says of it."""
    from pipeline.base.digest import scan, tree_digest

    sha256 = tree_digest(scan(source.folder))
    Identity(work).write(sha256, source.facts)


@dataclass(frozen=True)
class ManifestInputs:
    """All results of a build."""

    source: Identity
    frozen: Frozen
    samples: SamplesFolder
    golden: Golden
    others: Files
    """By the names of ``pipeline.artifacts.evidence``, and what a release is delivered with."""

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.others.get)


@step(version=15, tools=tools.TOOLS, quick=True)
def write(inputs: ManifestInputs, options: ManifestOptions, work: Path) -> None:
    """All results -> ``manifest.json``, not yet with a release's name and date."""
    signature, golden = inputs.frozen.signature, inputs.golden.facts
    golden_canary = canary.read(inputs.golden)
    kept, dropped = _choose_artifacts(_list_artifacts(inputs, options), options)
    cascade, no_cascade = calibrate(kept, inputs.golden, inputs.evidence)
    config = options.config
    manifest: Manifest = {
        "schema": 1,
        "name": config["name"],
        "task": config["task"],
        "task_options": config["task_options"],
        "description": config["description"],
        "license": config["license"],
        "source": _source(inputs, options, golden),
        "inputs": [_spec(spec) for spec in signature.inputs],
        "outputs": [_spec(spec) for spec in signature.outputs],
        "input": config["input"],
        "labels": config["labels"],
        "samples": _samples(inputs.samples, golden["count"]),
        "accuracy": _with_words(golden["accuracy"]),
        "doubt": doubt(golden["accuracy"], options.source.get("accuracy")),
        "tools": _tools(),
        "canary": None if "reason" in golden_canary else {"inputs": golden_canary["inputs"]},
        "canary_reason": golden_canary.get("reason"),
        "cascade": cascade,
        "cascade_reason": no_cascade,
        "runtimes": runtime.used_runtimes(inputs.others, kept, config["task"]),
        "artifacts": kept,
        "searches": [_search(inputs.others[name_search(variant)]) for variant in options.searches],
        "not_made": [_not_made(lost) for lost in options.not_made],
        "dropped": [_dropped(artifact) for artifact in dropped],
    }
    if options.region:
        detector = _detector(inputs.others)
        manifest["region"] = cast("release.Region", {**options.region, "detector": detector})
    if not manifest["searches"]:
        del manifest["searches"]
    if not manifest["not_made"]:
        del manifest["not_made"]
    (work / MANIFEST).write_text(json.dumps(manifest, indent=1))


def _detector(others: Files) -> dict[str, Any]:
    """A detector's whole manifest, with the name of the release of its own that says the same."""
    detector = json.loads((others[of_detector("manifest")] / MANIFEST).read_text())
    return {**detector, "release": release_id(detector)}


def _list_artifacts(inputs: ManifestInputs, options: ManifestOptions) -> list[Artifact]:
    """All artifacts, each with the one that makes it superfluous, if there is one."""
    golden, golden_canary = inputs.golden.facts, canary.read(inputs.golden)
    artifacts = [
        _artifact(inputs.evidence, proved, golden, golden_canary, options.strict)
        for proved in options.artifacts
    ]
    return _with_dominance(artifacts, {proved.id for proved in options.artifacts if proved.plain})


def _choose_artifacts(
    artifacts: list[Artifact], options: ManifestOptions
) -> tuple[list[Artifact], list[Artifact]]:
    """Those that a release holds, and those that it leaves out."""
    dropped = [a for a in artifacts if a["dominated_by"]] if options.drop_dominated else []
    return [artifact for artifact in artifacts if artifact not in dropped], dropped


def _dropped(artifact: Artifact) -> Dropped:
    return {
        "id": artifact["id"],
        "dominated_by": artifact["dominated_by"] or "",
        "dominated_reason": artifact["dominated_reason"] or "",
    }


def _source(inputs: ManifestInputs, options: ManifestOptions, golden: Mapping[str, Any]) -> Source:
    """The kind of source and its options, its size, digest, and what its author says of it."""
    identity, frozen = inputs.source, inputs.frozen
    measured: dict[str, Any] = {"sha256": identity.sha256, "parameters": frozen.parameters}
    if frozen.dtypes:
        measured["converted_from"] = frozen.dtypes
    if "reference" in golden:
        measured["reference"] = golden["reference"]
    if frozen.renamed_layers:
        measured["renamed_layers"] = frozen.renamed_layers
    facts = {"facts": identity.facts} if identity.facts else {}
    return cast("Source", options.source | measured | facts)


def _spec(spec: TensorSpec) -> Spec:
    described: Spec = {
        "name": spec.name,
        "dtype": spec.dtype,
        "shape": list(spec.shape),
        "softmax": spec.softmax,
    }
    if spec.renamed_from is not None:
        described["renamed_from"] = spec.renamed_from
    if spec.converted_from is not None:
        described["converted_from"] = spec.converted_from
    return described


def _search(folder: Path) -> FoundBySearch:
    """How a variant was found, for those who want to pin or judge it."""
    search: FoundBySearch = json.loads((folder / SEARCH).read_text())
    return search


def _not_made(lost: NotMade) -> release.NotMade:
    return {"id": lost.id, "step": lost.step, "reason": lost.reason, "todo": lost.todo}


def _samples(folder: SamplesFolder, count: int) -> Samples:
    facts = folder.description
    return {
        "description": facts["description"],
        "license": facts["license"],
        "labelled": facts["labelled"],
        "test": count,
    }


def _tools() -> dict[str, str]:
    from pipeline.backends.web.packages import versions

    installed = {name: version for name in tools.TOOLS if (version := tools.version(name))}
    return installed | versions()


def _artifact(
    evidence: Evidence,
    proved: Proved,
    golden: dict[str, Any],
    golden_canary: dict[str, Any],
    strict: bool,
) -> Artifact:
    described = evidence.artifact(proved.id).description
    files, packed = _files(described["files"], evidence.twins(proved.id))
    results = [evidence.proof(proved.id, target).read() for target in proved.targets]
    half, in_half = _half_precision(evidence, proved.id)
    facts = Facts(described["bytes"], packed["br_bytes"], half["safe"], golden["accuracy"])
    portability = portable.read(evidence.portability(proved.id))
    judged = [_judge(proved, result, facts, portability, strict) for result in results]
    canary, reason = canary_of(golden_canary, judged, in_half)
    artifact: Artifact = {
        "id": proved.id,
        "format": described["format"],
        "variant": described["variant"],
        "entry": described["entry"],
        "files": files,
        "bytes": described["bytes"],
        "br_bytes": packed["br_bytes"],
        "gz_bytes": packed["gz_bytes"],
        "retrained": proved.retrained,
        "accuracy": _lowest_accuracy(results, golden["accuracy"]),
        "half_precision": half,
        "portability": portability,
        "canary": canary,
        "canary_reason": reason,
        "validation": [_without_canary(result) for result in judged],
        "dominated_by": None,
        "dominated_reason": None,
    }
    if weights := described.get("weights"):
        artifact["weights"] = weights
    return artifact


def _with_words(accuracy: Mapping[str, Any] | None) -> SourceAccuracy | None:
    """The source's, with what pages are to know of the metric."""
    if accuracy is None:
        return None
    metric = metric_of(accuracy["metric"])
    wording = {name: getattr(metric, name) for name in ("words", "unit", "better")}
    return cast("SourceAccuracy", {"metric": metric.name, **wording, **accuracy})


def _judge(
    proved: Proved, result: Mapping[str, Any], facts: Facts, portability: Portability, strict: bool
) -> Mapping[str, Any]:
    """A proof with its verdict, and what that rests on; as it is where nothing was measured."""
    if result["status"] != "measured":
        return result
    bounds = proved.targets[result["target"]]
    judged = judge(proved.id, result, bounds, facts, strict=strict)
    sums = [] if proved.unportable else portable.misses(proved.id, result["target"], portability)
    missed = [*judged.missed, *sums]
    return {
        **result,
        "gates": bounds,
        "missed": [asdict(miss) for miss in missed],
        "undecided": [asdict(share) for share in judged.undecided],
        "not_applied": not_applied(result, bounds, facts.wire_bytes),
        "status": "fail" if missed else "pass",
    }


def _without_canary(result: Mapping[str, Any]) -> Validation:
    """What an artifact answered is told once, and not by each proof."""
    return cast("Validation", {key: value for key, value in result.items() if key != "canary"})


def _files(
    files: list[dict[str, Any]], twins: Twins | None
) -> tuple[list[File], dict[str, int | None]]:
    """Each with its compressed size, and what all take; ``None`` where nothing is published."""
    sizes = twins.read() if twins else {}
    unknown = dict.fromkeys(TWINS.values())
    listed = [{**file, **sizes.get(file["path"], unknown)} for file in files]
    totals = {key: total(listed, key) if twins else None for key in unknown}
    return cast("list[File]", listed), totals


def _with_dominance(artifacts: list[Artifact], stay: set[str]) -> list[Artifact]:
    """Each with the one that is no larger, no slower and no worse, if there is one."""
    by = find_dominated(artifacts, stay)
    return [
        {**artifact, "dominated_by": dominance.by, "dominated_reason": dominance.reason}
        if (dominance := by.get(artifact["id"]))
        else artifact
        for artifact in artifacts
    ]


def _half_precision(evidence: Evidence, artifact: str) -> tuple[HalfPrecision, Any]:
    """What is known of an artifact in float16, and its answer to the canary if it is safe there."""
    ranges, proof = evidence.ranges(artifact).read(), evidence.half(artifact)
    ran = proof.read() if proof else None
    half = half_precision(ranges, ran)
    return half, ran["canary"] if ran and half["safe"] else None


def _lowest_accuracy(
    results: list[dict[str, Any]], baseline: dict[str, Any] | None
) -> LowestAccuracy | None:
    """The accuracy on the backend where it was lowest: what a user may count on."""
    measured = [result["accuracy"] for result in results if result.get("accuracy")]
    if not measured or baseline is None:
        return None
    worst = metric_of(baseline["metric"]).worst([accuracy["value"] for accuracy in measured])
    lowest = next(accuracy for accuracy in measured if accuracy["value"] == worst)
    return cast("LowestAccuracy", {**lowest, "baseline": baseline["value"]})
