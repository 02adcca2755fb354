"""Plans what a release is delivered with: compressed files, the runtimes and the client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.artifacts.evidence import name_compressed
from pipeline.backends.targets import parse
from pipeline.backends.web import bundles, esbuild
from pipeline.backends.web.packages import CLIENT, INPUTS, TASKS
from pipeline.base.options import StrictOptions
from pipeline.engine.graph import Node, step_of
from pipeline.engine.step import StepFunction
from pipeline.inputs.contract import inputs
from pipeline.plan.artifacts import Package
from pipeline.plan.graph import Plan
from pipeline.publish.delivery import demo, runtime
from pipeline.storage import layout

_RUNTIME, _DEMO = "pipeline.publish.delivery.runtime", "pipeline.publish.delivery.demo:make"


def plan_wire(plan: Plan, packages: list[Package]) -> None:
    """Compress what may be published, behind all that proofs wait for."""
    if not _publishable(plan, packages):
        return
    for package in packages:
        plan_compressed(plan, package)
    names = sorted(set(_runtimes(plan, packages)))
    for name in names:
        _plan_assets(plan, name)
        _plan_kept(plan, name, plan_bundle(plan, name))
    if names:
        if code := plan_page_code(plan):
            _plan_kept(plan, plan.config.task.kind, code)
            # It is given what the input's options name, by the names of the options.
            _plan_files(plan, plan.config.task.kind, plan.config.input.options.local_paths(), {})
        _plan_client(plan)


def plan_compressed(plan: Plan, package: Package) -> None:
    """Add what compresses an artifact, and so knows its bytes on the wire."""
    compress = step_of("pipeline.publish.delivery.compress:compress", **_effort(plan))
    plan.add(Node(name_compressed(package.artifact), *compress, {"artifact": package.node}))


def _effort(plan: Plan) -> dict[str, bool]:
    return {"best": True} if plan.config.publish.compress == "best" else {}


def _publishable(plan: Plan, packages: list[Package]) -> bool:
    """Whether a release may come of it: without browsers, only where no proof has to have one."""
    if plan.browsers:
        return True
    targets = parse(plan.config.validate_.backends)
    native = {target.id for target in targets if not target.engine}
    held = {name for package in packages for name in package.bounds}
    required = {target.id for target in targets if target.required} & held
    return required <= native and all(native & package.bounds.keys() for package in packages)


def _runtimes(plan: Plan, packages: list[Package]) -> Iterator[str]:
    """The runtimes of every artifact on every backend that can prove it here."""
    for target in parse(plan.config.validate_.backends):
        # What is required is asked for again by its proof.
        if target.engine and plan.browsers and (target.required or not target.unavailable()):
            for package in packages:
                name = runtime.runtime_of(target.backend, package.format)
                if name and target.runs(package.format):
                    yield name


def _plan_assets(plan: Plan, name: str) -> None:
    features = {path.name: needs for path, needs in bundles.assets_of(name).items()}
    _plan_files(plan, name, {path.name: path for path in bundles.assets_of(name)}, features)


def _plan_files(
    plan: Plan, name: str, files: Mapping[str, Path], features: Mapping[str, tuple[str, ...]]
) -> None:
    # Without the packages there is nothing to prove artifacts with either: the proofs say so.
    if files and all(path.is_file() for path in files.values()):
        keep = step_of(f"{_RUNTIME}:keep_assets", features=features, **_effort(plan))
        plan.add(Node(layout.runtime_node(name, asset=True), *keep, files=files))


def plan_bundle(plan: Plan, name: str) -> str:
    """Add what makes a runtime's bundle, for proofs too; its node."""
    make = step_of(f"{_RUNTIME}:bundle", runtime=name)
    return _plan_made(plan, name, make, runtime.SOURCES, bundles.UNPUBLISHED)


def plan_page_code(plan: Plan) -> str | None:
    """Add the bundle of the task's code and its input's; its node, where pages have such."""
    task = plan.config.task.kind
    kind = plan.config.input.kind
    if not bundles.page_code(task, kind):
        return None
    constants = inputs()[kind].constants
    constant_values = constants(plan.config.input.options) if constants else {}
    make = step_of(f"{_RUNTIME}:bundle_page_code", task=task, kind=kind, constants=constant_values)
    return _plan_made(plan, task, make, CLIENT, TASKS, INPUTS)


def _plan_made(
    plan: Plan, name: str, make: tuple[StepFunction, StrictOptions], *sources: Path
) -> str:
    key = [esbuild.fingerprint(folder) for folder in sources]
    return plan.add(Node(f"bundle {name}", *make, extra_key=key))


def _plan_kept(plan: Plan, name: str, bundle: str) -> None:
    keep = step_of(f"{_RUNTIME}:keep_bundle", runtime=name, **_effort(plan))
    plan.add(Node(layout.runtime_node(name), *keep, {"bundle": bundle}))


def _plan_client(plan: Plan) -> None:
    key = esbuild.fingerprint(CLIENT)
    make = step_of("pipeline.publish.delivery.client:make")
    types = [esbuild.fingerprint(folder) for folder in (TASKS, INPUTS)]
    plan.add(Node(layout.CLIENT, *make, extra_key=[key, *types]))
    plan.add(Node(layout.DEMO, *step_of(_DEMO), extra_key=demo.fingerprint()))
    plan.add(Node(layout.LICENCES, *step_of(f"{_RUNTIME}:licences"), extra_key=key))


def delivered(plan: Plan) -> dict[str, str]:
    """What the manifest is made of, and published with, of all this; each is its own node."""
    parts, others = ("compress ", "runtime ", "assets "), (layout.CLIENT, layout.DEMO)
    return {name: name for name in plan.nodes if name.startswith(parts) or name in others}
