"""One candidate: an ordinary plan of its recipe, measured on samples held back for the search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from pipeline.artifacts.artifact import DESCRIPTION
from pipeline.artifacts.evidence import name_compressed
from pipeline.artifacts.proof import Proof, Twins
from pipeline.artifacts.samples_folder import Golden
from pipeline.backends.targets import parse
from pipeline.base.errors import ConfigError, MissingToolError, PipelineError
from pipeline.config.change import (
    Entries,
    Recipe,
    choose_formats,
    gates_for,
    merge_gates,
    parse_variants,
)
from pipeline.config.config import Config
from pipeline.config.search import Search
from pipeline.engine.graph import Node, step_of
from pipeline.engine.schedule import Run
from pipeline.engine.store import Result, Store
from pipeline.measures.metrics import metric_of
from pipeline.plan.artifacts import Package, plan_packages
from pipeline.plan.choose import choose_artifacts
from pipeline.plan.delivery import plan_compressed
from pipeline.plan.graph import Plan
from pipeline.plan.make import plan_source
from pipeline.plan.proofs import plan_golden, plan_proofs, reference_of
from pipeline.search.outcome import Trial
from pipeline.validate.gates import Facts, judge, not_applied

#: What is known only after all is built, and so judged there.
AT_THE_END = ("half_precision",)

#: Signal-to-noise of an artifact that answers as float32 does: dB.
NO_NOISE_DB = 200.0


@dataclass(frozen=True)
class Job:
    """One search: the config that asks for it, and where it looks."""

    config: Config
    variant: str
    search: Search
    fixed: Recipe
    """What every candidate has."""
    formats: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def timed(self) -> bool:
        """Whether candidates are timed with float32."""
        bounds = self.config.validate_.gates.values()
        named = any("latency_ratio" in bound for bound in (*bounds, self.search.keep))
        return self.search.minimize == "latency" or named

    @property
    def wired(self) -> bool:
        """Whether candidates are compressed."""
        bounds = self.config.validate_.gates.values()
        named = any("wire_bytes" in bound for bound in (*bounds, self.search.keep))
        return self.search.minimize == "wire_bytes" or named

    @cached_property
    def gates(self) -> Entries:
        """What ``search.keep`` adds to the gates, where candidates are measured and at the end."""
        places = {t.id: t for t in parse([*self.config.validate_.backends, *self.targets])}
        gates, keep = self.config.validate_.gates, self.search.keep
        return gates_for(gates, self.variant, keep, self.formats, list(places.values()))

    def config_of(self, recipe: Recipe) -> Config:
        """The config of one trial: the candidate in the searched formats, where it is measured."""
        asked, effort = self.config.validate_, {} if self.timed else {"repeats": 1}
        gates = merge_gates(asked.gates, self.gates)
        places = {"backends": list(self.targets), "gates": gates, **effort}
        plain: dict[str, Recipe] = {self.plain: {}} if self.timed and recipe else {}
        return self.config.model_copy(
            update={
                "variants": parse_variants(self.config, {**plain, self.variant: recipe}),
                "export": choose_formats(self.config, dict.fromkeys(self.formats)),
                "validate_": asked.model_copy(update=places),
            }
        )

    @property
    def plain(self) -> str:
        """The name of the variant without techniques."""
        names = (n for n, v in self.config.variants.items() if v.search is None and v.is_plain)
        return next(names, "fp32" if self.variant != "fp32" else "float32")


@dataclass(frozen=True)
class Planned:
    """A trial's plan, and where in it the candidate is."""

    plan: Plan
    packages: list[Package]
    """The candidate in each format."""
    proofs: Mapping[tuple[str, str], str]
    """Artifact and target -> node."""


def plan_trial(job: Job, recipe: Recipe) -> Planned:
    """The ordinary plan without what only a release needs, on held-back samples.

    Raises:
        ConfigError: no format holds the recipe.
    """
    plan = Plan(config=job.config_of(recipe))
    chosen = choose_artifacts(plan)
    plan_source(plan, frozen=not all(each.takes_own_graph for each in chosen))
    _hold_back(plan, job.search)
    every = plan_packages(plan, chosen)
    plan_golden(plan, every)
    packages = [package for package in every if package.variant == job.variant]
    if {package.format for package in packages} != set(job.formats):
        reasons = [f"{left.id}: {left.reason}" for left in plan.left_out]
        reasons += [f"{failed.id}: {failed.reason}" for failed in plan.failed.values()]
        raise ConfigError("; ".join(reasons))
    proofs = {}
    for package in packages:
        if job.wired:
            plan_compressed(plan, package)
        reference = reference_of(every, package) if job.timed else None
        for target, node in plan_proofs(plan, package, reference):
            proofs[package.artifact, target] = node
    return Planned(plan, packages, proofs)


def _hold_back(plan: Plan, search: Search) -> None:
    """Let all that follows see, in place of the samples, only their calibration split."""
    every = plan.nodes.pop("samples")
    plan.add(replace(every, id="all samples"))
    options = {"share": search.hold_back, "seed": search.seed}
    hold_back = step_of("pipeline.search.hold_back:hold_back", **options)
    plan.add(Node("samples", *hold_back, {"samples": "all samples"}))


#: Runs a plan in a store: the plan and where its files are from -> its results and keys.
Runner = Callable[[Plan], Run]


def measure(job: Job, recipe: Recipe, run: Runner, store: Store) -> Trial:
    """Make and measure one candidate; its ``seconds`` are for the caller to tell.

    Raises:
        MissingToolError: where it is to be measured is not on this machine.
    """
    try:
        planned = plan_trial(job, recipe)
        measured = MeasuredTrial(planned, run(planned.plan).results, store)
        return _trial_of(job, recipe, measured)
    except MissingToolError:
        raise
    except PipelineError as error:
        if not recipe:
            raise  # float32 itself: nothing will go better
        lasting = isinstance(error, ConfigError)
        return Trial(recipe, 0.0, error=str(error).splitlines()[0], lasting=lasting)


@dataclass(frozen=True)
class MeasuredTrial:
    """A trial's results, as files."""

    planned: Planned
    results: Mapping[str, Result]
    store: Store

    def file(self, node: str, name: str) -> Any:
        """A JSON file of a node's result."""
        return json.loads(self.store.read(self.results[node], name))

    def golden(self) -> Any:
        return self.file("golden", Golden.FACTS)

    def proofs(self) -> Iterator[tuple[Package, str, dict[str, Any]]]:
        """Each package, target and what was measured.

        Raises:
            MissingToolError: nothing was.
            PipelineError: it does not run there.
        """
        for package in self.planned.packages:
            for (artifact, target), node in self.planned.proofs.items():
                if artifact == package.artifact:
                    result = self.file(node, Proof.FILE)
                    if result["status"] == "unavailable":
                        raise MissingToolError(
                            f"{target} cannot measure candidates: {result['reason']}",
                            todo="run `pipeline doctor`, or search `on` another backend",
                        )
                    if result["status"] == "fail":
                        raise PipelineError(
                            result["reason"], where=f"{artifact} on {target}", todo=result["todo"]
                        )
                    yield package, target, result

    def bytes_of(self, package: Package) -> int:
        return int(self.file(package.node, DESCRIPTION)["bytes"])

    def wire_bytes_of(self, package: Package) -> int:
        from pipeline.publish.delivery.compress import total

        sizes = self.file(name_compressed(package.artifact), Twins.FILE)
        files = self.file(package.node, DESCRIPTION)["files"]
        return total([{**file, **sizes[file["path"]]} for file in files], "br_bytes")


def _trial_of(job: Job, recipe: Recipe, measured: MeasuredTrial) -> Trial:
    proofs = list(measured.proofs())
    golden = measured.golden()
    missed = [
        asdict(miss)
        for package, target, result in proofs
        for miss in judge(
            package.artifact,
            result,
            {k: v for k, v in package.bounds[target].items() if k not in AT_THE_END},
            Facts(
                measured.bytes_of(package),
                measured.wire_bytes_of(package) if job.wired else None,
                baseline=golden["accuracy"],
            ),
            # Of many candidates one is always lucky, and the test split judges it once more.
            strict=True,
        ).missed
    ]
    results = [result for _, _, result in proofs]
    untimed = no_time(results) if job.search.minimize == "latency" and recipe else ""
    value, low, high = (None, None, None) if untimed else _value(job, measured, results)
    metric = metric_of(quality_of(results[0])[0])
    quality = metric.worst(value for name, value in map(quality_of, results) if name == metric.name)
    lasting = bool(untimed)
    return Trial(recipe, 0.0, value, low, high, quality, metric.name, missed, untimed, lasting)


def no_time(results: list[dict[str, Any]]) -> str:
    """Why a candidate has no ratio to float32's time; empty where it has one."""
    reasons = (
        not_applied(result, {"latency_ratio": 1.0})
        for result in results
        if result["latency"]["ratio"] is None
    )
    return next((f"not timed: {reason['reason']}" for (reason,) in reasons), "")


def _value(
    job: Job, measured: MeasuredTrial, results: list[dict[str, Any]]
) -> tuple[float, float | None, float | None]:
    """What is minimized, and its confidence interval where it is a ratio."""
    if job.search.minimize == "latency":
        # Of several formats the slowest; float32 itself is not timed with itself.
        ratios = [result["latency"]["ratio"] for result in results]
        values = [(r["value"], r["low"], r["high"]) if r else (1.0, 1.0, 1.0) for r in ratios]
        return max(values)
    wired = job.search.minimize == "wire_bytes"
    size = measured.wire_bytes_of if wired else measured.bytes_of
    return sum(map(size, measured.planned.packages)), None, None


def quality_of(result: Mapping[str, Any]) -> tuple[str, float]:
    """The measure of how good an artifact is, and its value.

    The task's metric where it is known what is right, else the first by which the task tells
    whether answers are the source's, else the signal-to-noise ratio in dB.
    """
    if accuracy := result["accuracy"]:
        return accuracy["metric"], float(accuracy["value"])
    parity = result["parity"]
    for name, value in parity.items():
        if metric_of(name).of == "answers" and value is not None:
            return name, float(value)
    noise = parity.get("snr_db")
    return "snr_db", min(NO_NOISE_DB, noise) if noise is not None else NO_NOISE_DB
