"""The backends of browsers, a row each: how a page runs artifacts, and in which engines it can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.backends.backend import Backend
from pipeline.backends.web import page_session
from pipeline.backends.web.page_session import BundleUse, PageSession

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.backends.session import Session

ALL_ENGINES = ("chromium", "firefox", "webkit")
#: Those with WebGPU.
NEWEST_ENGINES = ("chromium", "firefox")
TFJS, ONNX = ("tfjs-graph", "tfjs-layers"), ("onnx",)


@dataclass(frozen=True, kw_only=True)
class WebBackend(Backend):
    """A backend of a runtime in a page."""

    runtime: str
    threads: bool = False
    """Whether one may choose how many threads it takes."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """TF.js' own flags."""

    def unavailable(self, engine: str | None) -> str | None:
        return page_session.unavailable(str(engine))

    def fingerprint(self, engine: str | None) -> dict[str, Any]:
        return page_session.fingerprint(str(engine))

    def watched(self, engine: str | None) -> tuple[str, ...]:
        return page_session.watched(str(engine))

    def open_session(
        self,
        artifact: Path,
        engine: str | None = None,
        runtime: Path | None = None,
        threads: int | None = None,
    ) -> Session:
        chosen = threads if self.threads else None
        return PageSession(
            artifact, str(engine), BundleUse(self.runtime, runtime, chosen, self.flags)
        )


def _row(name: str, formats: tuple[str, ...], engines: tuple[str, ...], **more: Any) -> WebBackend:
    return WebBackend(name=name, formats=formats, engines=engines, **{"runtime": name, **more})


#: By name.
BACKENDS: dict[str, WebBackend] = {
    row.name: row
    for row in (
        # On the CPU, in WebAssembly with SIMD.
        _row("ort-wasm", ONNX, ALL_ENGINES, threads=True),
        _row("tfjs-wasm", TFJS, ALL_ENGINES, threads=True),
        _row("ort-webgpu", ONNX, NEWEST_ENGINES, gpu=True),
        _row("tfjs-webgpu", TFJS, NEWEST_ENGINES, gpu=True),
        _row("tfjs-webgl", TFJS, ALL_ENGINES, gpu=True),
        # Half-precision textures, as many phones have no others. Extra: it is for artifacts whose
        # activations may not fit into float16.
        _row(
            "tfjs-webgl-f16",
            TFJS,
            ALL_ENGINES,
            gpu=True,
            extra=True,
            runtime="tfjs-webgl",
            flags={"WEBGL_FORCE_F16_TEXTURES": "true"},
        ),
        # In plain JavaScript. Extra: nobody ships it, and it is slow.
        _row("tfjs-cpu", TFJS, ALL_ENGINES, extra=True),
    )
}
