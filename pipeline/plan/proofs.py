"""Plans the proofs: the golden, and each artifact on each target, timed and in half precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.backends.targets import Target, list_targets, parse
from pipeline.base.errors import ConfigError
from pipeline.config.config import Config
from pipeline.engine.graph import Node, step_of
from pipeline.measures.metrics import CHAIN, GENERAL, LOSS, of_tasks, task_with
from pipeline.plan.artifacts import Package
from pipeline.plan.delivery import plan_bundle
from pipeline.plan.graph import OWN, Bounds, Plan, PlannedArtifact
from pipeline.plan.region import chain_inputs
from pipeline.validate.half import FLOAT16, FLOAT32

#: The node that compares TensorFlow's graph with the runtime that the source comes from.
CHECK_GRAPH = "check graph"


def plan_golden(plan: Plan, packages: list[Package]) -> None:
    """Add the golden, and the check that it tells by the bounds that artifacts are held to.

    Raises:
        ConfigError: a bound is on what the task does not measure.
    """
    bounds = {name: bound for package in packages for name, bound in _distinct(package)}
    _check_measurable(plan.config, bounds)
    task = plan.config.purpose
    inputs = {"source": "pull", "frozen": plan.described, "samples": "samples"}
    make = "make_own" if plan.described == OWN else "make"
    plan.add(Node("golden", *step_of(f"pipeline.validate.golden:{make}", task=task), inputs))
    if plan.described == OWN and not all(package.takes_own_graph for package in packages):
        inputs = {"source": "pull", "golden": "golden"}
        plan.add(Node(CHECK_GRAPH, *step_of("pipeline.validate.golden:check_graph"), inputs))
    check = step_of("pipeline.validate.telling:check", task=task, bounds=bounds)
    plan.add(Node("check golden", *check, {"golden": "golden"}))


def _distinct(package: Package) -> Iterator[tuple[str, Bounds]]:
    """What an artifact is held to, by its name, and by target where that makes a difference."""
    same = all(bound == next(iter(package.bounds.values())) for bound in package.bounds.values())
    for target, bounds in package.bounds.items():
        yield package.artifact if same else f"{package.artifact} {target}", bounds


def _check_measurable(config: Config, bounds: Mapping[str, Bounds]) -> None:
    """Refuse bounds on what the task cannot measure, before the work and not after it."""
    measured = {*GENERAL, *of_tasks()[config.task.kind]}
    if config.region is None and any(CHAIN in gate for gate in config.validate_.gates.values()):
        raise ConfigError(
            f"{CHAIN} is of a model that a detector goes before, and this has none",
            where="validate.gates",
            todo="say region, or leave it out",
        )
    for name, bound in bounds.items():
        if named := next((metric for metric in bound if metric not in measured), None):
            raise ConfigError(
                f"{named} of {name} is not measured for the task {config.task.kind}",
                where="validate.gates",
                todo=f"name the task, as in task: {task_with(named)}, or bound relative_error",
            )
        _check_share(config, bound.get(LOSS), f"{LOSS} of {name}", "validate.gates")
    _check_share(config, config.source.accuracy, "accuracy", "source.accuracy")


def _check_share(config: Config, value: float | None, name: str, where: str) -> None:
    """Refuse more than there is of a share: percents are meant."""
    metrics = of_tasks()[config.task.kind].values()
    shares = [metric.is_share for metric in metrics if metric.of == "truth"]
    if value is not None and value > 1 and shares and all(shares):
        raise ConfigError(
            f"{name} is {value:g}, and the task {config.task.kind} measures a share, up to 1",
            where=where,
            todo=f"write {value / 100:g} for {value:g} %",
        )


def plan_artifact(plan: Plan, package: Package, packages: list[Package]) -> PlannedArtifact:
    """Add the proofs of one package of all."""
    proofs = dict(plan_proofs(plan, package, reference_of(packages, package)))
    return PlannedArtifact(
        package.artifact,
        package.format,
        package.variant,
        package.node,
        proofs,
        package.bounds,
        ranges=_plan_ranges(plan, package),
        graph=None if package.takes_own_graph or CHECK_GRAPH not in plan.nodes else CHECK_GRAPH,
        half=_plan_half(plan, package, proofs),
        portable=_plan_portable(plan, package),
        unportable=package.unportable,
    )


def reference_of(packages: list[Package], package: Package) -> str | None:
    """The node of the same format's artifact without techniques, which others are timed with."""
    plain = (other.node for other in packages if other.format == package.format and other.plain)
    node = next(plain, None)
    return None if node == package.node else node


def plan_proofs(plan: Plan, package: Package, reference: str | None) -> Iterator[tuple[str, str]]:
    """Add a proof of a package on each target that runs it: target and node.

    Args:
        reference: the node of the artifact that it is timed with.
    """
    named = parse(plan.config.validate_.backends)
    targets = [target for target in named if target.runs(package.format)]
    if not targets:
        able = {target.backend: None for target in list_targets() if target.runs(package.format)}
        raise ConfigError(
            f"no backend named there runs {package.artifact}, so it could not be proved",
            where="validate.backends",
            todo=f"add one of {', '.join(able)}",
        )
    inputs = {"artifact": package.node, "golden": "golden"}
    inputs |= {"reference": reference} if reference else {}
    for target in targets:
        yield target.id, plan.add(_proof(plan, package, target, inputs))


def _proof(plan: Plan, package: Package, target: Target, inputs: Mapping[str, str]) -> Node:
    same = {"backend": target.backend, "engine": target.engine, "required": target.required}
    if reason := _left_out(plan, target):
        leave = step_of("pipeline.validate.measure:leave_out", **same, reason=reason)
        return Node(f"leave out {target.id}", *leave, watched=target.watched())
    if bundle := target.bundle(package.format):
        inputs = {**inputs, "runtime": plan_bundle(plan, bundle)}
        inputs |= chain_inputs(plan, package, target)
    validate = plan.config.validate_
    effort = {"repeats": validate.repeats, "threads": validate.threads}
    name = "pipeline.validate.measure:measure" + ("_brief" if target.brief else "")
    measure = step_of(name, **same, **effort, task=plan.config.purpose)
    return Node(
        f"prove {package.artifact} {target.id}",
        *measure,
        inputs,
        after=("check golden",),
        lane=target.lane,
        tools=target.definition.tools,
        extra_key=target.fingerprint(),
        machine=target.machine(),
        watched=target.watched(),
    )


def _left_out(plan: Plan, target: Target) -> str | None:
    """Why a target is known beforehand not to run."""
    if target.engine and not plan.browsers:
        return "browsers were left out of this build"
    # What is required is asked for again by the step: it may be there by then.
    return None if target.required else target.unavailable()


def _plan_ranges(plan: Plan, package: Package) -> str:
    """The scan of the graph that the package was made from, which others may share."""
    if package.takes_own_graph:
        scan = step_of("pipeline.validate.own_ranges:scan")
        inputs = {"model": package.frozen, "samples": "samples"}
        return plan.add(Node(f"ranges {OWN}", *scan, inputs, after=("golden",)))
    inputs = {"frozen": package.frozen, "samples": "samples"}
    name = "ranges" if package.frozen == "freeze" else f"ranges {package.variant}"
    scan = step_of("pipeline.validate.ranges:scan")
    # After all that others wait for: only the manifest needs it.
    return plan.add(Node(name, *scan, inputs, after=("golden",)))


def _plan_half(plan: Plan, package: Package, proofs: Mapping[str, str]) -> str | None:
    """Another run, in float16, of what is proved in float32 on the same engine."""
    if FLOAT32.id not in proofs:
        _check_half(package)
        return None
    proof = plan.nodes[proofs[FLOAT32.id]]
    if "artifact" not in proof.inputs:
        return None
    node = Node(
        f"half {package.artifact}",
        *step_of("pipeline.validate.half:run", task=plan.config.purpose),
        {key: proof.inputs[key] for key in ("artifact", "golden", "runtime")}
        | {"float32": proof.id},
        lane=FLOAT16.lane,
        tools=FLOAT16.definition.tools,
        extra_key=FLOAT16.fingerprint(),
        machine=FLOAT16.machine(),
        watched=FLOAT16.watched(),
    )
    return plan.add(node)


#: What both runs are made of.
_SAME = ("artifact", "golden", "runtime")


def _plan_portable(plan: Plan, package: Package) -> str | None:
    """The check of integer products, which only ONNX has."""
    if package.format != "onnx":
        return None
    check = step_of("pipeline.validate.portable:check")
    return plan.add(Node(f"portable {package.artifact}", *check, {"artifact": package.node}))


def _check_half(package: Package) -> None:
    """Refuse to ask for what nothing will measure."""
    if any("half_precision" in bounds for bounds in package.bounds.values()):
        raise ConfigError(
            f"half_precision of {package.artifact} is not measured: nothing runs it in float16",
            where="validate.gates",
            todo="ask for it of TF.js formats only, with tfjs-webgl in validate.backends",
        )
