"""An artifact open in a page: what the backends of all runtimes and engines share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from pipeline.backends.batches import FREE_BATCH, infer_in_batches
from pipeline.backends.cpu import cpu_name
from pipeline.backends.session import Hardware, Latency
from pipeline.browser import packages
from pipeline.browser.gpu import host_gpu
from pipeline.errors import PipelineError
from pipeline.export import artifact as artifacts
from pipeline.registry import discover

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

    from pipeline.backends.session import Array, Arrays
    from pipeline.browser.artifact_page import ArtifactPage

_SOFTWARE = re.compile(r"swiftshader|llvmpipe|softpipe|software|basic render", re.IGNORECASE)
_ARTIFACT, _REFERENCE = "artifact", "reference"


def _engine(name: str) -> ModuleType:
    return discover("browser.engines", "start")[name]


def unavailable(engine: str) -> str | None:
    """Why nothing can run in this engine here."""
    if absent := packages.missing():
        return f"{', '.join(absent)} not installed: run npm ci --prefix pipeline/browser"
    reason: str | None = _engine(engine).unavailable()
    return reason


def fingerprint(engine: str) -> dict[str, Any]:
    """What can change a result besides the artifact: the page, its packages, the engine."""
    return {
        "packages": packages.versions(),
        "page": packages.page_digest(),
        **_engine(engine).fingerprint(),
    }


def watched(engine: str) -> tuple[str, ...]:
    """Files outside of this package that ``fingerprint`` speaks of."""
    files: tuple[str, ...] = _engine(engine).watched()
    return files


@dataclass(frozen=True)
class Runtime:
    """A runtime's module of the page, and how it is asked to run."""

    module: str
    """The JavaScript file beside ``page.js``, without its suffix."""
    backend: str
    """The runtime's own name for where it runs."""
    feed: Callable[[str, Array], Array]
    """Makes of a named input an array of a dtype that the runtime takes."""
    settings: Mapping[str, Any] = field(default_factory=dict)


class PageSession:
    """An artifact in a page of its own, on one backend of a runtime."""

    def __init__(self, artifact: Path, engine: str, runtime: Runtime) -> None:
        self._artifact, self._engine, self._runtime = artifact, engine, runtime
        self._description = artifacts.read(artifact)
        self._opened: dict[str, Any] = {}
        self._memory: dict[str, int | None] | None = None
        self._timed: Latency | None = None
        self._ran = False
        self._page: ArtifactPage | None = None
        self._load_ms = 0.0
        self._open()

    @property
    def hardware(self) -> Hardware:
        details = {"engine": self._engine, **self._opened}
        renderer = details.get("renderer")
        if renderer is None:
            return Hardware("cpu", cpu_name(), details)
        name = _engine(self._engine).renderer(self._runtime.backend) or renderer
        software = _SOFTWARE.search(name) or details.get("fallback_adapter") or not host_gpu()
        return Hardware("software" if software else "gpu", name, details)

    @property
    def load_ms(self) -> float:
        return self._load_ms

    @property
    def fetched_bytes(self) -> int:
        page = self._require_page()
        return page.server.sent_bytes(page.url)

    def memory(self) -> dict[str, int | None]:
        """As it is now, or as it was before a reference was opened beside the artifact."""
        return self._memory or self._read_memory()

    def infer(self, inputs: Arrays) -> dict[str, Array]:
        count = len(next(iter(inputs.values()), ()))
        most = 1 if self._compiles_longer(count) else FREE_BATCH
        return infer_in_batches(self._run, inputs, self._description["inputs"], most)

    def _compiles_longer(self, count: int) -> bool:
        """Whether a rasterizer would take longer to compile shaders for batches than they save.

        It compiled those for one sample in ``first_ms``, when it was timed.
        """
        timed = self._timed
        if timed is None or self.hardware.kind != "software":
            return False
        return count * min(timed.warm_ms, default=0.0) <= 2 * timed.first_ms

    def latency(
        self,
        inputs: Arrays,
        *,
        reference: Path | None,
        warmups: int,
        repeats: int,
        seconds: float = 0.0,
    ) -> Latency:
        feeds = self._feeds(inputs)
        if self._ran:
            self._reopen()
        self._ran = True
        page = self._require_page()
        first_ms = float(page.ask_with("first", feeds, id=_ARTIFACT)["firstMs"])
        ids = [_ARTIFACT]
        if reference is not None:
            self._memory = self._read_memory()
            self._open_model(_REFERENCE, artifacts.read(reference), page.mount(reference))
            ids.append(_REFERENCE)
        effort = {"warmups": warmups, "repeats": repeats, "seconds": seconds}
        times = page.ask_with("time", feeds, ids=ids, **effort)
        self._timed = Latency(first_ms, times[_ARTIFACT], times.get(_REFERENCE))
        return self._timed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _run(self, inputs: dict[str, Array]) -> dict[str, Array]:
        from pipeline.browser.artifact_page import BrowserGoneError

        feeds = self._feeds(inputs)
        self._ran = True
        try:
            return self._require_page().ask_tensors("infer", feeds, id=_ARTIFACT)
        except BrowserGoneError:
            # Once: a browser that dies of this artifact would die for ever.
            self._reopen()
            return self._require_page().ask_tensors("infer", feeds, id=_ARTIFACT)

    def _feeds(self, inputs: Arrays) -> dict[str, Array]:
        return {name: self._runtime.feed(name, array) for name, array in inputs.items()}

    def _read_memory(self) -> dict[str, int | None]:
        from pipeline.browser.processes import tree_bytes

        page = self._require_page()
        held = page.ask("memory", {"id": _ARTIFACT})
        return {**_snake(held), "process_bytes": tree_bytes(page.browser_pid)}

    def _open(self) -> None:
        from pipeline.browser.artifact_page import ArtifactPage

        self._page = page = ArtifactPage(self._engine, self._artifact)
        self._memory = None
        try:
            answer = self._open_model(_ARTIFACT, self._description, page.url)
        except Exception:
            self._close()
            raise
        self._load_ms = float(answer.pop("loadMs"))
        self._opened = {"engine_version": page.browser_version, **_snake(answer)}

    def _open_model(self, name: str, description: dict[str, Any], url: str) -> dict[str, Any]:
        request = {
            "id": name,
            "runtime": self._runtime.module,
            "backend": self._runtime.backend,
            "settings": dict(self._runtime.settings),
            "format": description["format"],
            "url": url + description["entry"],
            "files": [PurePosixPath(file["path"]).name for file in description["files"]],
            "inputs": [spec["name"] for spec in description["inputs"]],
            "outputs": [spec["name"] for spec in description["outputs"]],
        }
        return self._require_page().ask("open", request)

    def _reopen(self) -> None:
        self._close()
        self._open()

    def _close(self) -> None:
        if self._page is not None:
            self._page.close()
        self._page = None

    def _require_page(self) -> ArtifactPage:
        if self._page is None:
            raise PipelineError("the session is closed", where=str(self._artifact))
        return self._page


def _snake(camel: dict[str, Any]) -> dict[str, Any]:
    """JavaScript's names as the manifest writes them."""
    return {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), key): camel[key] for key in camel}
