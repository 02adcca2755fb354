"""Targets: where an artifact is proved. ``BACKEND``, or ``BACKEND@ENGINE`` in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.backends import elsewhere, kernels
from pipeline.backends.faults import explain_fault
from pipeline.backends.gpu import host_gpu
from pipeline.backends.web import bundles
from pipeline.backends.web.backends import BACKENDS
from pipeline.base.registry import discover

if TYPE_CHECKING:
    from pipeline.backends.backend import Backend
    from pipeline.backends.session import Session

#: Every backend in every engine that can have it; what is missing here is left out, and said.
ALL = "all"
#: Where a browser backend runs whose engine is not named.
ENGINE = "chromium"

#: Engines that are browsers, whatever is installed.
BROWSERS = ("chromium", "firefox", "webkit")


@dataclass(frozen=True)
class Target:
    """One backend, in one engine where it needs a browser."""

    backend: str
    engine: str | None
    required: bool = True
    """Whether nothing may be published without its proof."""

    @property
    def id(self) -> str:
        return f"{self.backend}@{self.engine}" if self.engine else self.backend

    @property
    def definition(self) -> Backend:
        return backends()[self.backend]

    @property
    def lane(self) -> str:
        return self.engine or self.definition.lane

    @property
    def brief(self) -> bool:
        """Whether nobody named it and a rasterizer stands in for its GPU."""
        told = elsewhere.told(self.id)
        has_gpu = told.gpu if told else host_gpu()
        return not self.required and self.definition.gpu and not has_gpu

    def runs(self, format_name: str) -> bool:
        """Whether it can run artifacts of this format."""
        return format_name in self.definition.formats

    def unavailable(self) -> str | None:
        """A cheap reason why it cannot run on this machine, or on those that plans are for."""
        if told := elsewhere.told(self.id):
            return told.unavailable
        return self.definition.unavailable(self.engine)

    def why_not(self, artifact: Path) -> str:
        """Why it cannot run an artifact, by what its runtime has; empty where nothing says so."""
        if not kernels.has_kernel_list(self.definition.runtime):
            return ""
        entry = ArtifactFolder(artifact).entry
        return self.why_not_model(json.loads(entry.read_text())) if entry.suffix == ".json" else ""

    def why_not_model(self, model: Mapping[str, Any]) -> str:
        """The same of a parsed ``model.json``."""
        return explain_problem(model, self.definition.runtime or "")

    def bundle(self, format_name: str) -> str | None:
        """The runtime bundle that it opens artifacts of a format with; native ones have none."""
        runtime = self.definition.runtime
        return bundles.name_of(runtime, format_name) if runtime else None

    def open(
        self, artifact: Path, threads: int | None = None, runtime: Path | None = None
    ) -> Session:
        """Open an artifact folder.

        Args:
            threads: for backends that let one choose.
            runtime: the folder of the bundle; without it the bundle is made for this process.
        """
        return self.definition.open_session(artifact, self.engine, runtime, threads)

    def fingerprint(self) -> Any:
        """What can change its results besides the artifact."""
        if told := elsewhere.told(self.id):
            return told.fingerprint
        return self.definition.fingerprint(self.engine)

    def machine(self) -> tuple[str, ...]:
        """What a machine must have for it, where plans are for others than this one."""
        told = elsewhere.told(self.id)
        return (told.tag,) if told else ()

    def watched(self) -> tuple[str, ...]:
        """Files of this machine, outside of this package, that ``fingerprint`` speaks of."""
        return () if elsewhere.told(self.id) else self.definition.watched(self.engine)


def explain_problem(model: Mapping[str, Any], runtime: str) -> str:
    """Why a runtime cannot run a TF.js graph, or not rightly; empty where nothing says so."""
    lacks = kernels.explain_lacks(kernels.lacks(model, runtime), runtime)
    return lacks or explain_fault(model, runtime)


def list_targets() -> list[Target]:
    """Every target there can be, engine by engine, native ones first."""
    pairs = [(engine, name) for name, backend in backends().items() for engine in backend.engines]
    return [Target(name, engine) for engine, name in sorted(pairs, key=_native_first)]


def parse(names: Sequence[str]) -> list[Target]:
    """The targets that a config names, each once; what is named one by one is required.

    Args:
        names: correct ones: ``problem`` finds nothing wrong with any.
    """
    named = [_target(name) for name in names if name != ALL]
    every = [
        Target(target.backend, target.engine, required=False)
        for target in list_targets()
        if ALL in names and not target.definition.extra
    ]
    by_id = {target.id: target for target in [*every, *named]}
    return list(by_id.values())


def problem(name: str) -> str | None:
    """What is wrong with a target's name, as the end of a sentence that begins with it."""
    backend, at, engine = name.partition("@")
    if name == ALL:
        return None
    if backend not in backends():
        return _suggestion(name, backend, [*backends(), ALL], at + engine)
    able = [engine for engine in backends()[backend].engines if engine]
    if at and not able:
        return f", but {backend} needs no browser; write {backend}"
    if at and engine not in able:
        return _suggestion(name, engine, able, "", f"{backend}@")
    return (
        None if at or not able or ENGINE in able else f"; known are {_join_targets(backend, able)}"
    )


def _suggestion(name: str, wrong: str, right: Sequence[str], end: str, start: str = "") -> str:
    from difflib import get_close_matches

    close = get_close_matches(wrong, right, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{start}{close[0]}{end}"?'
    return f"; known are {', '.join(f'{start}{backend}' for backend in right)}"


def _join_targets(backend: str, engines: Sequence[str]) -> str:
    return ", ".join(f"{backend}@{engine}" for engine in engines)


def _target(name: str) -> Target:
    backend, _, engine = name.partition("@")
    native = None in backends()[backend].engines
    return Target(backend, None if native else engine or ENGINE)


@cache
def backends() -> dict[str, Backend]:
    """Every backend by name: those of this folder's modules, and the browsers' rows."""
    native: list[Backend] = [m.BACKEND for m in discover("backends", "BACKEND").values()]
    return {row.name: row for row in sorted([*native, *BACKENDS.values()], key=attrgetter("name"))}


def _native_first(pair: tuple[str | None, str]) -> tuple[bool, str]:
    return pair[0] is not None, pair[0] or ""


def target_of(result: Mapping[str, Any]) -> str:
    """Where a proof of a manifest ran: ``tfjs-webgl@chromium``."""
    if named := result.get("target"):
        return str(named)
    # The first version of this package wrote no target, and native runtimes as engines.
    engine = f"@{result['engine']}" if result.get("engine") in BROWSERS else ""
    return f"{result['backend']}{engine}"


def names() -> Iterator[str]:
    """Every spelling that a config may use."""
    yield ALL
    for target in list_targets():
        if target.engine == ENGINE:
            yield target.backend
        yield target.id
