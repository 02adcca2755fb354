"""The manifest: what a release holds, what was measured, and what passed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.proof import HalfProof, Proof, Ranges
from pipeline.artifacts.samples_folder import Golden, SamplesFolder
from pipeline.artifacts.source_folder import Identity, SourceFolder
from pipeline.base import options, tools
from pipeline.base.options import NoOptions
from pipeline.engine.step import Inputs, step
from pipeline.measures.metrics import metric_of
from pipeline.publish.delivery import runtime
from pipeline.publish.delivery.compress import SIZES, total
from pipeline.storage.layout import MANIFEST, TWINS
from pipeline.validate import canary, portable
from pipeline.validate.canary_tolerance import canary_of
from pipeline.validate.cascade_candidates import calibrated
from pipeline.validate.dominance import dominated
from pipeline.validate.gates import Facts, judge, not_applied
from pipeline.validate.half import half_precision
from pipeline.validate.trust import doubt
from pipeline.validate.verdict import NotMade

SCHEMA = 1

#: What a search tells the users of a release, among its results.
SEARCH = "summary.json"


class Proved(options.Options):
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


class ManifestOptions(options.Options):
    """What the config says that users of a release should know."""

    config: dict[str, Any]
    source: dict[str, Any]
    artifacts: list[Proved]
    drop_dominated: bool
    strict: bool = False
    """Whether shares of samples are held to their bounds without regard to chance."""
    searches: list[str] = Field(default=[])
    """The variants that a search found."""
    not_made: list[NotMade] = Field(default=[])
    """What of the config could not be made."""


@step(version=2, quick=True)
def identify(inputs: Inputs, options: NoOptions, work: Path) -> None:
    """SOURCE -> IDENTITY: its digest, and what its author says of it."""
    from pipeline.base.digest import scan, tree_digest

    sha256 = tree_digest(scan(inputs["source"]))
    Identity(work).write(sha256, SourceFolder(inputs["source"]).facts)


@step(version=13, tools=tools.TOOLS, quick=True)
def write(inputs: Inputs, options: ManifestOptions, work: Path) -> None:
    """All results -> ``manifest.json``, not yet with a release's name and date."""
    golden = Golden(inputs["golden"]).facts
    signature = Frozen(inputs["frozen"]).signature
    said = canary.read(inputs["golden"])
    proved = [_artifact(inputs, each, golden, said, options.strict) for each in options.artifacts]
    plain = {artifact.id for artifact in options.artifacts if artifact.plain}
    artifacts = _with_dominance(proved, plain)
    dropped = [a for a in artifacts if a["dominated_by"]] if options.drop_dominated else []
    kept = [artifact for artifact in artifacts if artifact not in dropped]
    cascade, no_cascade = calibrated(kept, inputs.get)
    manifest = {
        "schema": SCHEMA,
        **{key: options.config[key] for key in _SAID},
        "source": _source(inputs, options),
        **{side: [asdict(spec) for spec in getattr(signature, side)] for side in _SIDES},
        "input": options.config["input"],
        "labels": options.config["labels"],
        "samples": _samples(inputs["samples"], golden["count"]),
        "accuracy": _with_words(golden["accuracy"]),
        "doubt": doubt(golden["accuracy"], options.source.get("accuracy")),
        "tools": _tools(),
        "canary": None if "reason" in said else {"inputs": said["inputs"]},
        "canary_reason": said.get("reason"),
        "cascade": cascade,
        "cascade_reason": no_cascade,
        "runtimes": runtime.used(inputs, kept, options.config["task"]),
        "artifacts": kept,
        **_searches(inputs, options.searches),
        **_not_made(options),
        "dropped": [{key: artifact[key] for key in _DROPPED} for artifact in dropped],
    }
    (work / MANIFEST).write_text(json.dumps(manifest, indent=1))


_SAID = ("name", "task", "task_options", "description", "license")
_SIDES = ("inputs", "outputs")
_DROPPED = ("id", "dominated_by", "dominated_reason")


def _source(inputs: Inputs, options: ManifestOptions) -> dict[str, Any]:
    """The kind of source and its options, its size, digest, and what its author says of it."""
    identity, frozen = Identity(inputs["source"]), Frozen(inputs["frozen"])
    known = {"sha256": identity.sha256, "parameters": frozen.parameters}
    facts = {"facts": identity.facts} if identity.facts else {}
    return options.source | known | facts


def _searches(inputs: Inputs, variants: list[str]) -> dict[str, Any]:
    """How variants were found, for those who want to pin or judge them."""
    folders = [inputs[f"search {name}"] for name in variants]
    summaries = [json.loads((folder / SEARCH).read_text()) for folder in folders]
    return {"searches": summaries} if summaries else {}


def _not_made(options: ManifestOptions) -> dict[str, Any]:
    return {"not_made": [asdict(lost) for lost in options.not_made]} if options.not_made else {}


def _samples(folder: Path, count: int) -> dict[str, Any]:
    facts = SamplesFolder(folder).description
    return {key: facts[key] for key in ("description", "license", "labelled")} | {"test": count}


def _tools() -> dict[str, str]:
    from pipeline.backends.web.packages import versions

    installed = {name: found for name in tools.TOOLS if (found := tools.version(name))}
    return installed | versions()


def _artifact(
    inputs: Inputs, proved: Proved, golden: dict[str, Any], said: dict[str, Any], strict: bool
) -> dict[str, Any]:
    description = _with_wire_bytes(ArtifactFolder(inputs[proved.id]).description, inputs, proved.id)
    results = [Proof(inputs[f"{proved.id} {target}"]).read() for target in proved.targets]
    half, in_half = _half_precision(inputs, proved.id)
    facts = Facts(description["bytes"], description["br_bytes"], half["safe"], golden["accuracy"])
    known = portable.read(inputs.get(f"{proved.id} portable"))
    judged = [_judge(proved, result, facts, known, strict) for result in results]
    own, reason = canary_of(said, judged, in_half)
    return {
        "id": proved.id,
        **{key: description[key] for key in _DESCRIBED},
        "retrained": proved.retrained,
        "accuracy": _lowest_accuracy(results, golden["accuracy"]),
        "half_precision": half,
        "portability": known,
        "canary": own,
        "canary_reason": reason,
        "validation": [_without_canary(result) for result in judged],
    }


def _with_words(accuracy: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The source's, with what pages are to know of the metric."""
    if accuracy is None:
        return None
    metric = metric_of(accuracy["metric"])
    said = {name: getattr(metric, name) for name in ("words", "unit", "better")}
    return {"metric": metric.name, **said, **accuracy}


def _judge(
    proved: Proved, result: Mapping[str, Any], facts: Facts, known: Mapping[str, Any], strict: bool
) -> Mapping[str, Any]:
    """A proof with its verdict, and what that rests on; as it is where nothing was measured."""
    if result["status"] != "measured":
        return result
    bounds = proved.targets[result["target"]]
    judged = judge(proved.id, result, bounds, facts, strict=strict)
    sums = [] if proved.unportable else portable.misses(proved.id, result["target"], known)
    missed = [*judged.missed, *sums]
    return {
        **result,
        "gates": bounds,
        "missed": [asdict(miss) for miss in missed],
        "undecided": [asdict(share) for share in judged.undecided],
        "not_applied": not_applied(result, bounds, facts.wire_bytes),
        "status": "fail" if missed else "pass",
    }


def _without_canary(result: Mapping[str, Any]) -> dict[str, Any]:
    """What an artifact answered is told once, and not by each proof."""
    return {key: value for key, value in result.items() if key != "canary"}


_DESCRIBED = ("format", "variant", "entry", "files", "bytes", *TWINS.values())


def _with_wire_bytes(description: dict[str, Any], inputs: Inputs, name: str) -> dict[str, Any]:
    """With each file's compressed size; ``None`` in a build that publishes nothing."""
    folder = inputs.get(f"compress {name}")
    sizes = json.loads((folder / SIZES).read_text()) if folder else {}
    unknown = dict.fromkeys(TWINS.values())
    files = [{**file, **sizes.get(file["path"], unknown)} for file in description["files"]]
    totals = {key: total(files, key) if folder else None for key in unknown}
    return {**description, "files": files, **totals}


def _with_dominance(artifacts: list[dict[str, Any]], stay: set[str]) -> list[dict[str, Any]]:
    """Each with the one that is no larger, no slower and no worse, if there is one."""
    by = dominated(artifacts, stay)
    return [
        {
            **artifact,
            "dominated_by": one.by if (one := by.get(artifact["id"])) else None,
            "dominated_reason": one.reason if one else None,
        }
        for artifact in artifacts
    ]


def _half_precision(inputs: Inputs, artifact: str) -> tuple[dict[str, Any], Any]:
    """What is known of an artifact in float16, and its answer to the canary if it is safe there."""
    ranges = Ranges(inputs[f"{artifact} ranges"]).read()
    folder = inputs.get(f"{artifact} half")
    ran = HalfProof(folder).read() if folder else None
    known = half_precision(ranges, ran)
    return known, ran["canary"] if ran and known["safe"] else None


def _lowest_accuracy(
    results: list[dict[str, Any]], baseline: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The accuracy on the backend where it was lowest: what a user may count on."""
    measured = [result["accuracy"] for result in results if result.get("accuracy")]
    if not measured or baseline is None:
        return None
    worst = metric_of(baseline["metric"]).worst([one["value"] for one in measured])
    lowest: dict[str, Any] = next(one for one in measured if one["value"] == worst)
    return {**lowest, "baseline": baseline["value"]}
