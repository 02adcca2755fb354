"""What all TF.js backends share: an artifact open in a page."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline.backends.batches import infer_in_batches
from pipeline.backends.cpu import cpu_name
from pipeline.backends.session import Hardware, Latency
from pipeline.browser import packages
from pipeline.browser.install import build, find_browser
from pipeline.errors import MissingToolError, PipelineError
from pipeline.export import artifact as artifacts

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline.backends.session import Array, Arrays
    from pipeline.browser.session import ArtifactPage

FORMATS = ("tfjs-graph", "tfjs-layers")

_SOFTWARE = re.compile(r"swiftshader|llvmpipe|softpipe|software|basic render", re.IGNORECASE)
#: TF.js has float32, int32 and bool; a frontend hands it everything else as one of these.
_DTYPES = {"f": "float32", "i": "int32", "u": "int32", "b": "bool"}


def unavailable() -> str | None:
    """Why no TF.js backend can run here."""
    if find_spec("playwright") is None:
        return "playwright is not installed"
    if absent := packages.missing():
        return f"{', '.join(absent)} not installed: run npm ci --prefix pipeline/browser"
    try:
        found = find_browser()
    except MissingToolError as error:
        return str(error)
    return None if found else "no Chromium-family browser was found"


def fingerprint() -> dict[str, Any]:
    """What can change a result besides the artifact: the page, TF.js, the browser, its flags."""
    from pipeline.browser.session import browser_flags

    return {
        "packages": packages.versions(),
        "page": packages.page_digest(),
        "browser": build(),
        "flags": browser_flags(),
    }


def watched() -> tuple[str, ...]:
    """Files outside of this package that ``fingerprint`` speaks of."""
    found = build()
    return (found[0],) if found else ()


class TfjsSession:
    """A TF.js artifact in a page of its own, on one backend."""

    def __init__(self, artifact: Path, backend: str) -> None:
        self._artifact = artifact
        self._backend = backend
        self._description = artifacts.read(artifact)
        self._opened: dict[str, Any] = {}
        self._ran = False
        self._page: ArtifactPage | None = None
        self._open()

    @property
    def hardware(self) -> Hardware:
        details = {"engine": "chromium", **self._opened}
        renderer = details.get("renderer")
        if renderer is None:
            return Hardware("cpu", cpu_name(), details)
        return Hardware("software" if _SOFTWARE.search(renderer) else "gpu", renderer, details)

    @property
    def load_ms(self) -> float:
        return self._load_ms

    def infer(self, inputs: Arrays) -> dict[str, Array]:
        return infer_in_batches(self._run, inputs, self._description["inputs"])

    def latency(self, inputs: Arrays, *, warmups: int, repeats: int) -> Latency:
        feeds = {name: _for_tfjs(name, array) for name, array in inputs.items()}
        if self._ran:
            self._reopen()
        self._ran = True
        answer = self._require_page().ask_with("time", feeds, warmups=warmups, repeats=repeats)
        return Latency(answer["firstMs"], answer["warmMs"])

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
        from pipeline.browser.session import BrowserGoneError

        feeds = {name: _for_tfjs(name, array) for name, array in inputs.items()}
        self._ran = True
        try:
            return self._require_page().ask_tensors("infer", feeds)
        except BrowserGoneError:
            # Once: a browser that dies of this artifact would die for ever.
            self._reopen()
            return self._require_page().ask_tensors("infer", feeds)

    def _open(self) -> None:
        from pipeline.browser.session import ArtifactPage

        description = self._description
        self._page = ArtifactPage(self._artifact)
        request = {
            "runtime": "tfjs",
            "backend": self._backend,
            "format": description["format"],
            "url": self._page.url + description["entry"],
            "inputs": [spec["name"] for spec in description["inputs"]],
            "outputs": [spec["name"] for spec in description["outputs"]],
        }
        try:
            answer = self._page.ask("open", request)
        except Exception:
            self._close()
            raise
        self._load_ms = float(answer.pop("loadMs"))
        self._opened = {"engine_version": self._page.browser_version, **_snake(answer)}

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


def _for_tfjs(name: str, array: Array) -> Array:
    dtype = _DTYPES.get(array.dtype.kind)
    if dtype is None:
        raise PipelineError(f'input "{name}" is {array.dtype}, which TF.js does not take')
    converted = array.astype(dtype, copy=False)
    if dtype == "int32" and (converted != array).any():
        raise PipelineError(f'input "{name}" holds values that int32 cannot')
    return converted


def _snake(camel: dict[str, Any]) -> dict[str, Any]:
    """JavaScript's names as the manifest writes them."""
    return {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), key): camel[key] for key in camel}
