"""The bundles that artifacts are opened with: those that a release publishes.

TF.js' cpu backend alone has one that no release has, in ``runtimes/`` beside this file.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from pipeline.backends.web.packages import APART, CLIENT, INPUTS, MODULES, PAGE, task_folder
from pipeline.storage.layout import LAYERS

PUBLISHED, UNPUBLISHED = CLIENT / "runtimes", PAGE / "runtimes"

#: What is said of a bundle, beside it.
DESCRIPTION = "bundle.json"

_TFJS = MODULES / "@tensorflow" / "tfjs-backend-wasm" / "dist"
_ORT = MODULES / "onnxruntime-web" / "dist"
_WASM = "tfjs-backend-wasm"

#: Backend -> its own files -> what a browser has to have for each. A client fetches the one that
#: asks for most of what there is.
ASSETS: dict[str, dict[Path, tuple[str, ...]]] = {
    "tfjs-wasm": {
        _TFJS / f"{_WASM}.wasm": (),
        _TFJS / f"{_WASM}-simd.wasm": ("simd",),
        _TFJS / f"{_WASM}-threaded-simd.wasm": ("simd", "threads"),
    },
    "ort-wasm": {_ORT / "ort-wasm-simd-threaded.wasm": ("simd",)},
    "ort-webgpu": {_ORT / "ort-wasm-simd-threaded.asyncify.wasm": ("simd",)},
}


def name_of(runtime: str, format_name: str) -> str:
    """The bundle that runs a format on a backend: a layers model needs code of its own."""
    return f"{runtime}{LAYERS}" if format_name == "tfjs-layers" else runtime


def assets_of(name: str) -> dict[Path, tuple[str, ...]]:
    """The files that a bundle starts, and what each asks of a browser."""
    return ASSETS.get(name.removesuffix(LAYERS), {})


def page_code(task: str, kind: str) -> tuple[Path, ...]:
    """The modules that make a task's inputs and answers in a page; none where it takes tensors.

    Args:
        task: as configs name it.
        kind: of input.
    """
    modules = (INPUTS / kind / "input.js", task_folder(task) / "task.js")
    return modules if all(module.is_file() for module in modules) else ()


def make(name: str, folder: Path) -> None:
    """Write a runtime's ``NAME.js`` and its description into a folder."""
    homes = (PUBLISHED / f"{name}.js", UNPUBLISHED / f"{name}.js")
    _make(next(entry for entry in homes if entry.is_file()), folder, {})


def make_page_code(
    task: str, kind: str, folder: Path, constants: Mapping[str, bool] | None = None
) -> None:
    """Write ``TASK.js``, which exports all of both modules, and its description into a folder.

    Args:
        constants: what is known of the options, by name; what the modules do only where one of
            them is true is left out where it is false.
    """
    with tempfile.TemporaryDirectory() as place:
        entry = Path(place) / f"{task}.js"
        lines = [f"export * from {json.dumps(str(path))};\n" for path in page_code(task, kind)]
        entry.write_text("".join(lines))
        _make(entry, folder, constants or {})


def _make(entry: Path, folder: Path, constants: Mapping[str, bool]) -> None:
    from pipeline.backends.web import esbuild

    # What the client loads where it needs it is no part of what it may ask of a bundle.
    bundled = esbuild.bundle(
        [entry], folder, apart=[f"./{module}" for module in APART], constants=constants
    )
    (folder / DESCRIPTION).write_text(json.dumps({"packages": bundled.packages}))


@cache
def make_in_process(name: str) -> Path:
    """A folder with a bundle of this process, for what runs without a plan."""
    folder = Path(tempfile.mkdtemp(prefix="pipeline-bundle-"))
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=1)
    make(name, folder)
    return folder


def files(name: str, folder: Path, url: str, server: str) -> list[dict[str, Any]]:
    """The bundle and its own files as a page takes them.

    Args:
        url: where the bundle's folder is served.
        server: which serves the packages too.
    """
    entry = folder / f"{name}.js"
    task_files = [
        (path, f"{server}/node_modules/{path.relative_to(MODULES).as_posix()}", list(features))
        for path, features in assets_of(name).items()
    ]
    return [
        {"name": path.name, "path": path.name, "url": where, "bytes": path.stat().st_size}
        | {"features": features}
        for path, where, features in ((entry, f"{url}{entry.name}", []), *task_files)
    ]
