"""An artifact open in a page: what the backends of all runtimes and engines share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.backends import failures
from pipeline.backends.cpu import cpu_name
from pipeline.backends.gpu import host_gpu
from pipeline.backends.session import Hardware, Latency
from pipeline.backends.web import bundles, packages
from pipeline.backends.web.engine import engines
from pipeline.base.errors import PipelineError, RunError
from pipeline.environment import advice
from pipeline.tensors.arrays import Array, Arrays
from pipeline.tensors.batches import FREE_BATCH, infer_singly_at_worst

if TYPE_CHECKING:
    from pipeline.backends.web.artifact_page import ArtifactPage

_SOFTWARE = re.compile(r"swiftshader|llvmpipe|softpipe|software|basic render", re.IGNORECASE)
_ARTIFACT, _REFERENCE, _DETECTOR = "artifact", "reference", "detector"

#: Bytes of a reference from which on a page does not hold it and the artifact at once.
LARGE_BYTES = 128 * 2**20

#: So many samples one by one take a rasterizer less than shaders for a batch of them, as far as was
#: seen where nothing was timed.
FEW = 8


def unavailable(engine: str) -> str | None:
    """Why nothing can run in this engine here."""
    if absent := packages.list_missing():
        return f"{', '.join(absent)} not installed: run {advice()}"
    return engines()[engine].unavailable()


def fingerprint(engine: str) -> dict[str, Any]:
    """What can change a result besides the artifact: the page, its packages, the engine."""
    return {
        "packages": packages.versions(),
        "page": packages.page_digest(),
        **engines()[engine].fingerprint(),
    }


def watched(engine: str) -> tuple[str, ...]:
    """Files outside of this package that ``fingerprint`` speaks of."""
    return engines()[engine].watched()


@dataclass(frozen=True)
class BundleUse:
    """The bundle that a backend opens artifacts with, and how it is asked to run."""

    name: str
    """As a release calls it; a layers model takes the one with ``-layers``."""
    folder: Path | None = None
    """The folder in which a step made it; without one it is made for this process."""
    threads: int | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)
    """TF.js' own flags, which it reads from the page's address."""


class PageSession:
    """An artifact in a page of its own, on one backend of a runtime."""

    def __init__(self, artifact: Path, engine: str, runtime: BundleUse) -> None:
        self._artifact, self._engine, self._runtime = ArtifactFolder(artifact), engine, runtime
        self._bundle = bundles.name_of(runtime.name, self._artifact.format)
        self._opened: dict[str, Any] = {}
        self._files: list[dict[str, Any]] = []
        self._memory: dict[str, int | None] | None = None
        self._timed: Latency | None = None
        self._ran = False
        self._batch_failure: str | None = None
        self._page: ArtifactPage | None = None
        self._load_ms = 0.0
        self._open()

    @property
    def hardware(self) -> Hardware:
        details = {"engine": self._engine, **self._opened}
        renderer = details.get("renderer")
        if renderer is None:
            return Hardware("cpu", cpu_name(), details)
        name = engines()[self._engine].renderer(details["backend"]) or renderer
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

    @property
    def batch_failure(self) -> str | None:
        return self._batch_failure

    def infer(self, inputs: Arrays) -> dict[str, Array]:
        count = len(next(iter(inputs.values()), ()))
        most = 1 if self._compiles_longer(count) else FREE_BATCH
        with self._judged():
            outputs, self._batch_failure = infer_singly_at_worst(
                self._run, inputs, self._artifact.signature.inputs, most, self._reopen
            )
        return outputs

    def _compiles_longer(self, count: int) -> bool:
        """Whether a rasterizer would take longer to compile shaders for batches than they save.

        It compiled those for one sample in ``first_ms``, when it was timed. A single sample takes
        three times as long as one of a batch, its way to the page and back included.
        """
        if self.hardware.kind != "software":
            return False
        if self._timed is None:
            return count <= FEW
        return 2 * count * min(self._timed.warm_ms, default=0.0) <= self._timed.first_ms

    def latency(
        self,
        inputs: Arrays,
        *,
        reference: Path | None,
        warmups: int,
        repeats: int,
        seconds: float = 0.0,
    ) -> Latency:
        if self._ran:
            self._reopen()
        self._ran = True
        page = self._require_page()
        with self._judged():
            first_ms = float(page.ask_with("first", inputs, id=_ARTIFACT)["firstMs"])
        effort = {"warmups": warmups, "repeats": repeats, "seconds": seconds}
        ids, apart = [_ARTIFACT], None
        if reference is not None:
            self._memory = self._read_memory()
            if ArtifactFolder(reference).description["bytes"] > LARGE_BYTES:
                apart = reference
            else:
                self._open_model(_REFERENCE, ArtifactFolder(reference), page.mount(reference))
                ids.append(_REFERENCE)
        times = page.ask_with("time", inputs, ids=ids, **effort)
        if apart is not None:
            times[_REFERENCE] = self._time_apart(apart, inputs, effort)
        self._timed = _paired(first_ms, times[_ARTIFACT], times.get(_REFERENCE))
        return self._timed

    def look(
        self,
        detector: ArtifactFolder,
        code: tuple[Path, Path],
        facts: Mapping[str, Any],
        pictures: Sequence[Path],
    ) -> dict[str, list[Any]]:
        """What the artifact answers where a detector finds something in pictures.

        Args:
            detector: an artifact of the same format.
            code: the folders with the bundles of the tasks: the artifact's and the detector's.
            facts: ``region``, and what each bundle is told as ``model`` and ``detector``.
            pictures: files of one folder.

        Returns:
            By picture ``first`` and ``next``, lists of answers, and ``firstMs`` and ``nextMs``.
        """
        page = self._require_page()
        self._open_model(_DETECTOR, detector, page.mount(detector.folder))
        request: dict[str, Any] = {"region": facts["region"]}
        request["pictures"] = _urls(page, pictures)
        artifacts = (self._artifact, detector)
        names = (("model", _ARTIFACT), ("detector", _DETECTOR))
        for (name, id_), artifact, folder in zip(names, artifacts, code, strict=True):
            inputs = [asdict(spec) for spec in artifact.signature.inputs]
            manifest = {**facts[name], "inputs": inputs}
            (url,) = _urls(page, sorted(folder.glob("*.js")))
            request[name] = {"id": id_, "code": url, "manifest": manifest}
        with self._judged():
            return page.ask("look", request)

    def _time_apart(self, reference: Path, inputs: Arrays, effort: dict[str, Any]) -> list[float]:
        """A large reference's times, in a page of its own; the artifact is opened anew then."""
        memory = self._memory
        self._close()
        with PageSession(reference, self._engine, self._runtime) as alone:
            times = alone.latency(inputs, reference=None, **effort).warm_ms
        self._open()
        self._memory = memory
        return times

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Where a rasterizer's device breaks, nothing is known of the artifact."""
        try:
            yield
        except RunError as error:
            if error.again and self.hardware.kind == "software":
                error.unknown, error.todo = True, failures.SOFTWARE
            raise

    def _run(self, inputs: dict[str, Array]) -> dict[str, Array]:
        self._ran = True
        return self._require_page().ask_tensors("infer", inputs, id=_ARTIFACT)

    def _read_memory(self) -> dict[str, int | None]:
        from pipeline.backends.web.processes import tree_bytes

        page = self._require_page()
        held = page.ask("memory", {"id": _ARTIFACT})
        return {**_snake(held), "process_bytes": tree_bytes(page.browser_pid)}

    def _open(self) -> None:
        from pipeline.backends.web.artifact_page import ArtifactPage

        flags = ",".join(f"{name}:{value}" for name, value in self._runtime.flags.items())
        query = f"?tfjsflags={flags}" if flags else ""
        self._page = page = ArtifactPage(self._engine, self._artifact.folder, query)
        self._memory = None
        try:
            bundle = self._runtime.folder or bundles.make_in_process(self._bundle)
            self._files = bundles.files(self._bundle, bundle, page.mount(bundle), page.server.url)
            answer = self._open_model(_ARTIFACT, self._artifact, page.url)
        except Exception:
            self._close()
            raise
        self._load_ms = float(answer.pop("loadMs"))
        version = {"engine_version": page.browser_version, "runtime": self._bundle}
        self._opened = {**version, **_snake(answer)}

    def _open_model(self, name: str, artifact: ArtifactFolder, url: str) -> dict[str, Any]:
        request = open_request(name, artifact, url, self._files, self._runtime.threads)
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
            raise PipelineError("the session is closed", where=self._artifact.id)
        return self._page


def _paired(first_ms: float, warm_ms: list[float], reference_ms: list[float] | None) -> Latency:
    """As many of both: in a page of its own each went on for as long as it took."""
    count = len(warm_ms) if reference_ms is None else min(len(warm_ms), len(reference_ms))
    return Latency(first_ms, warm_ms[:count], reference_ms and reference_ms[:count])


def _urls(page: ArtifactPage, files: Sequence[Path]) -> list[str]:
    """Where files of one folder are served."""
    folder = page.mount(files[0].parent)
    return [folder + file.name for file in files]


def open_request(
    name: str,
    artifact: ArtifactFolder,
    url: str,
    runtime_files: Sequence[Mapping[str, Any]],
    threads: int | None = None,
) -> dict[str, Any]:
    """What a page is asked to open a model: its description, whose files are at addresses.

    Args:
        url: of the artifact's folder, with a slash at its end.
    """
    description = artifact.description
    files = [{**file, "url": url + file["path"]} for file in description["files"]]
    return {
        "id": name,
        "artifact": {**description, "files": files},
        "runtime": {"files": runtime_files},
        "threads": threads,
    }


def _snake(camel: dict[str, Any]) -> dict[str, Any]:
    """JavaScript's names as the manifest writes them."""
    return {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), key): camel[key] for key in camel}
