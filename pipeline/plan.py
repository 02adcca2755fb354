"""Config -> graph of steps. Pure: nothing is read, run or imported that is heavy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.fetch import RemoteFile
from pipeline.options import Options
from pipeline.registry import discover
from pipeline.step import Lane, StepFunction, find
from pipeline.validate.agreement import METRICS
from pipeline.validate.gates import bounds_for
from pipeline.validate.half import FLOAT16, FLOAT32
from pipeline.validate.targets import Target, known, parse
from pipeline.validate.tolerances import number_formats

#: Metric -> bound.
Bounds = Mapping[str, float]


@dataclass(frozen=True)
class Node:
    """One step of a plan."""

    id: str
    function: StepFunction
    options: Options
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input name -> the node whose result it is."""
    files: Mapping[str, Path | RemoteFile] = field(default_factory=dict)
    """Input name -> what comes from outside: from this machine, or from the network."""
    reads: tuple[str, ...] = ()
    """Names of the files that it opens of its inputs; all of them where this is empty.

    Others decide its key as well, but are not read again to see whether they are whole.
    """
    after: tuple[str, ...] = ()
    """Nodes that must have passed first, though their results are not read."""
    lane: Lane | None = None
    """Where it runs, if elsewhere than its function says."""
    tools: tuple[str, ...] = ()
    """More distributions whose version can change the result."""
    extra_key: Any = None
    """What else decides the result, such as the build of a browser."""
    watched: tuple[str, ...] = ()
    """Files outside of the store that ``extra_key`` speaks of."""

    def needs(self) -> tuple[str, ...]:
        """The nodes that come before this one."""
        return (*self.inputs.values(), *self.after)


@dataclass(frozen=True)
class PlannedArtifact:
    """One variant in one format."""

    id: str
    format: str
    variant: str
    node: str
    proofs: Mapping[str, str]
    """Target -> the node that runs the artifact on it."""
    bounds: Mapping[str, Bounds]
    """Target -> what the artifact is held to there."""
    ranges: str
    """The node that measures the ranges of its graph."""
    half: str | None
    """The node that runs it in float16, where something can."""


@dataclass(frozen=True)
class LeftOut:
    """An artifact that is not made."""

    id: str
    reason: str


@dataclass
class Plan:
    """All steps in an order in which they can run, and what they make."""

    config: Config
    browsers: bool = True
    nodes: dict[str, Node] = field(default_factory=dict)
    artifacts: list[PlannedArtifact] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def add(self, node: Node) -> str:
        """Add a node, once; equal work of two variants is one node."""
        self.nodes.setdefault(node.id, node)
        return node.id

    def evidence(self) -> dict[str, str]:
        """What the manifest is made of -> the node that makes it."""
        return dict(self.nodes["manifest"].inputs)

    def dependents(self) -> dict[str, set[str]]:
        """Node -> the nodes that need it, directly or not."""
        result: dict[str, set[str]] = {name: set() for name in self.nodes}
        for name in reversed(self.nodes):
            for need in self.nodes[name].needs():
                result[need] |= {name, *result[name]}
        return result


Chain = list[tuple[ModuleType, Options]]


def make_plan(config: Config, *, browsers: bool = True) -> Plan:
    """Plan everything that ``config`` asks for.

    Args:
        browsers: without them, what needs one is planned to be reported as unavailable.

    Raises:
        ConfigError: a variant fits no format, or an artifact could not be proved anywhere.
    """
    plan = Plan(config, browsers)
    _plan_source(plan)
    # All of TensorFlow's conversions come before the golden: what is made of them runs beside it.
    packages = []
    for variant, chain in _variants(config):
        made = [
            _plan_package(plan, variant, chain, module, options)
            for module, options in config.export.formats()
            if _wanted(options, variant)
        ]
        packages += [package for package in made if package]
        if not any(made):
            raise ConfigError(
                f"variant {variant} would be exported to no format: {_reasons(plan, variant)}",
                where=f"variants.{variant}",
                todo="add a format that holds it, or leave the variant out",
            )
    _plan_golden(plan, packages)
    _plan_wire(plan, packages)
    for package in packages:
        proofs = dict(_plan_proofs(plan, package, _reference(config, packages, package)))
        named = (package.artifact, package.format, package.variant, package.node)
        half = _plan_half(plan, package, proofs)
        plan.artifacts.append(
            PlannedArtifact(*named, proofs, package.bounds, _plan_ranges(plan, package), half)
        )
    _plan_manifest(plan)
    return plan


def _variants(config: Config) -> Iterator[tuple[str, Chain]]:
    for name, variant in config.variants.items():
        yield name, variant.techniques()


def _wanted(options: Any, variant: str) -> bool:
    return options.variants is None or variant in options.variants


def _reasons(plan: Plan, variant: str) -> str:
    reasons = [f"{o.id}: {o.reason}" for o in plan.left_out if o.id.endswith(f"/{variant}")]
    return "; ".join(reasons) or "no format's `variants` names it"


def _step(name: str, **options: Any) -> tuple[StepFunction, Options]:
    function = find(name)
    return function, function.options_type(**options)


def _plan_source(plan: Plan) -> None:
    """Pull and freeze the model, read the samples, make the golden, check the operators."""
    config = plan.config
    source = discover("sources", "pull")[config.source.kind]
    remote: Mapping[str, RemoteFile] = getattr(source, "remote_files", lambda options: {})(
        config.source.options
    )
    files = {**config.source.options.local_paths(), **remote}
    plan.add(Node("pull", source.pull, config.source.options, files=files))
    plan.add(Node("freeze", *_step("pipeline.export.freeze:freeze"), {"source": "pull"}))
    _plan_samples(plan)
    formats = config.export.formats()
    opset = next((o.opset for m, o in formats if m.FORMAT == "onnx"), None)
    function, checked = _step(
        "pipeline.export.operators:check",
        formats=[m.FORMAT for m, _ in formats],
        **({"opset": opset} if opset else {}),
    )
    plan.add(Node("operators", function, checked, {"frozen": "freeze"}))


def _plan_samples(plan: Plan) -> None:
    config = plan.config
    module = discover("samples", "read")[config.samples.kind]
    chosen = config.samples.options
    options = module.read.options_type(options=chosen, preprocess=config.preprocess)
    files = chosen.local_paths()
    inputs = {"frozen": "freeze"}
    plan.add(Node("samples", module.read, options, inputs, files, reads=("signature.json",)))


def _plan_golden(plan: Plan, packages: list[_Package]) -> None:
    bounds = {name: one for package in packages for name, one in _distinct(package)}
    _check_measurable(plan.config, bounds)
    task = plan.config.task
    inputs = {"source": "pull", "frozen": "freeze", "samples": "samples"}
    plan.add(Node("golden", *_step("pipeline.validate.golden:make", task=task), inputs))
    check = _step("pipeline.validate.telling:check", task=task, bounds=bounds)
    plan.add(Node("check golden", *check, {"golden": "golden"}))


def _distinct(package: _Package) -> Iterator[tuple[str, Bounds]]:
    """What an artifact is held to, by its name, and by target where that makes a difference."""
    same = all(one == next(iter(package.bounds.values())) for one in package.bounds.values())
    for target, bounds in package.bounds.items():
        yield package.artifact if same else f"{package.artifact} {target}", bounds


def _check_measurable(config: Config, bounds: Mapping[str, Bounds]) -> None:
    """Refuse bounds on what the task cannot measure, before the work and not after it."""
    task = discover("tasks", "accuracy")[config.task]
    for name, one in bounds.items():
        named = next((metric for metric in METRICS if metric in one), None)
        if named and not hasattr(task, "ranked"):
            raise ConfigError(
                f"{named} of {name} is not measured for the task {config.task}",
                where="validate.gates",
                todo="name the task, as in task: image-classification, or bound relative_error",
            )


def _plan_wire(plan: Plan, packages: list[_Package]) -> None:
    """Compress what may be published: that takes as long as all the rest."""
    for package in packages if plan.browsers else ():
        compress = _step("pipeline.publish.compress:compress")
        inputs = {"artifact": package.node}
        plan.add(Node(_wire(package.artifact), *compress, inputs))


def _wire(artifact: str) -> str:
    return f"compress {artifact}"


@dataclass(frozen=True)
class _Package:
    artifact: str
    format: str
    variant: str
    node: str
    bounds: Mapping[str, Bounds]


def _plan_package(
    plan: Plan, variant: str, chain: Chain, module: ModuleType, options: Any
) -> _Package | None:
    """Add the steps that make one artifact, or say why it is left out."""
    artifact = f"{module.FORMAT}/{variant}"
    reason = _cannot_hold(plan.config, chain, module, options)
    if reason:
        plan.left_out.append(LeftOut(artifact, reason))
        return None
    model = _plan_converted(plan, variant, chain, module, options)
    codec, chosen = next(((m, o) for m, o in chain if m.STAGE == "weights"), (None, None))
    details = {
        "format": module.FORMAT,
        "variant": variant,
        "shard_bytes": options.shard_bytes,
        "codec": _name(codec) if codec else None,
        "codec_options": chosen.key() if chosen else {},
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
    return _Package(artifact, module.FORMAT, variant, plan.add(package), bounds)


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


def _cannot_hold(config: Config, chain: Chain, module: ModuleType, options: Any) -> str | None:
    """Why a format cannot hold a variant; ``None`` where it can."""
    source = discover("sources", "pull")[config.source.kind]
    keras = getattr(source, "KERAS", True)
    if getattr(module, "NEEDS_KERAS", False) and not keras:
        return f"{module.FORMAT} is made of Keras layers, which a {config.source.kind} has not"
    for technique, _ in chain:
        if technique.STAGE == "graph" and module.FORMAT not in technique.FORMATS:
            reason: str = technique.REASON
            return reason
        if hasattr(module, "cannot_hold"):
            refused: str | None = module.cannot_hold(_name(technique), options)
            if refused:
                return refused
    return None


def _plan_converted(
    plan: Plan, variant: str, chain: Chain, module: ModuleType, options: Any
) -> str:
    """The node that holds the variant in this format, before weights are encoded."""
    suffix, source, frozen = "", "pull", "freeze"
    for technique, chosen in (pair for pair in chain if pair[0].STAGE == "model"):
        suffix = f" {variant}"
        name = f"{_name(technique)}{suffix}"
        inputs = {"source": source, "samples": "samples"}
        source = plan.add(Node(name, technique.apply, chosen, inputs))
        function, no_options = _step("pipeline.export.freeze:freeze")
        frozen = plan.add(Node(f"freeze {variant}", function, no_options, {"source": source}))
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
        after=("operators",),
    )
    converted = plan.add(node)
    for technique, chosen in (pair for pair in chain if pair[0].STAGE == "graph"):
        name = f"{_name(technique)} {module.FORMAT}/{variant}"
        inputs = {"model": converted, "samples": "samples"}
        converted = plan.add(Node(name, technique.apply, chosen, inputs))
    return converted


def _reference(config: Config, packages: list[_Package], package: _Package) -> str | None:
    """The node of the same format's artifact without techniques, which others are timed with."""
    plain = {name for name, chain in _variants(config) if not chain}
    found = (p.node for p in packages if p.format == package.format and p.variant in plain)
    node = next(found, None)
    return None if node == package.node else node


def _plan_proofs(plan: Plan, package: _Package, reference: str | None) -> Iterator[tuple[str, str]]:
    chosen = parse(plan.config.validate_.backends)
    targets = [target for target in chosen if target.runs(package.format)]
    if not targets:
        able = {target.backend: None for target in known() if target.runs(package.format)}
        raise ConfigError(
            f"no backend named there runs {package.artifact}, so it could not be proved",
            where="validate.backends",
            todo=f"add one of {', '.join(able)}",
        )
    inputs = {"artifact": package.node, "golden": "golden"}
    inputs |= {"reference": reference} if reference else {}
    for target in targets:
        yield target.id, plan.add(_proof(plan, package, target, inputs))


def _proof(plan: Plan, package: _Package, target: Target, inputs: Mapping[str, str]) -> Node:
    same = {"backend": target.backend, "engine": target.engine, "required": target.required}
    if reason := _left_out(plan, target):
        leave = _step("pipeline.validate.measure:leave_out", **same, reason=reason)
        return Node(f"leave out {target.id}", *leave, watched=target.watched())
    validate = plan.config.validate_
    effort = {"repeats": validate.repeats, "threads": validate.threads}
    name = "pipeline.validate.measure:measure" + ("_brief" if target.brief else "")
    measure = _step(name, **same, **effort, task=plan.config.task)
    return Node(
        f"prove {package.artifact} {target.id}",
        *measure,
        inputs,
        after=("check golden",),
        lane=target.lane,
        tools=target.module.TOOLS,
        extra_key=target.fingerprint(),
        watched=target.watched(),
    )


def _left_out(plan: Plan, target: Target) -> str | None:
    """Why a target is known beforehand not to run."""
    if target.engine and not plan.browsers:
        return "browsers were left out of this build"
    # What is required is asked for again by the step: it may be there by then.
    return None if target.required else target.unavailable()


def _plan_ranges(plan: Plan, package: _Package) -> str:
    """The scan of the graph that the package was made from, which others may share."""
    own = f"freeze {package.variant}"
    frozen = own if own in plan.nodes else "freeze"
    inputs = {"frozen": frozen, "samples": "samples"}
    name = frozen.replace("freeze", "ranges")
    scan = _step("pipeline.validate.ranges:scan")
    # After all that others wait for: only the manifest needs it.
    return plan.add(Node(name, *scan, inputs, after=("golden",)))


def _plan_half(plan: Plan, package: _Package, proofs: Mapping[str, str]) -> str | None:
    """Another run, in float16, of what is proved in float32 on the same engine."""
    if FLOAT32.id not in proofs:
        _check_half(package)
        return None
    proof = plan.nodes[proofs[FLOAT32.id]]
    if "artifact" not in proof.inputs:
        return None
    node = Node(
        f"half {package.artifact}",
        *_step("pipeline.validate.half:run", task=plan.config.task),
        {"artifact": package.node, "golden": "golden", "float32": proof.id},
        lane=FLOAT16.lane,
        tools=FLOAT16.module.TOOLS,
        extra_key=FLOAT16.fingerprint(),
        watched=FLOAT16.watched(),
    )
    return plan.add(node)


def _check_half(package: _Package) -> None:
    """Refuse to ask for what nothing will measure."""
    if any("half_precision" in bounds for bounds in package.bounds.values()):
        raise ConfigError(
            f"half_precision of {package.artifact} is not measured: nothing runs it in float16",
            where="validate.gates",
            todo="ask for it of TF.js formats only, with tfjs-webgl in validate.backends",
        )


def _plan_manifest(plan: Plan) -> None:
    config = plan.config
    identify = _step("pipeline.publish.manifest:identify")
    plan.add(Node("identify source", *identify, {"source": "pull"}))
    inputs = {"source": "identify source", "frozen": "freeze"}
    inputs |= {"samples": "samples", "golden": "golden"}
    artifacts = []
    for artifact in plan.artifacts:
        inputs[artifact.id] = artifact.node
        inputs |= {f"{artifact.id} {name}": node for name, node in artifact.proofs.items()}
        inputs[f"{artifact.id} ranges"] = artifact.ranges
        inputs |= {f"{artifact.id} half": artifact.half} if artifact.half else {}
        if (wire := _wire(artifact.id)) in plan.nodes:
            inputs[wire] = wire
        plain = not config.variants[artifact.variant].techniques()
        named = {"id": artifact.id, "variant": artifact.variant, "plain": plain}
        artifacts.append({**named, "targets": artifact.bounds})
    described = config.model_dump(mode="json", include=set(_DESCRIPTIVE))
    options = {
        "config": described,
        "artifacts": artifacts,
        "drop_dominated": config.publish.drop_dominated,
        "source": {"kind": config.source.kind, **config.source.options.key()},
    }
    write = _step("pipeline.publish.manifest:write", **options)
    plan.add(Node("manifest", *write, inputs, reads=_DESCRIBING))


#: The files of results that the manifest is made of, out of tens of megabytes.
_DESCRIBING = (
    *("source.json", "facts.json", "signature.json", "samples.json"),
    *("golden.json", "artifact.json", "result.json", "sizes.json"),
    *("ranges.json", "half.json"),
)

#: What of a config the users of a release should know.
_DESCRIPTIVE = ("name", "task", "description", "license", "preprocess", "labels")


def _name(module: ModuleType) -> str:
    name: str = getattr(module, "NAME", module.__name__.rpartition(".")[2])
    return name
