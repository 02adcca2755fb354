"""The page of a reproduction: what runs the cut-out model in a browser, with all that it loads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.backends.targets import Target

SCRIPTS = Path(__file__).with_name("scripts")

#: Read by the page: how to run the model.
RUNTIME = "runtime.json"


@dataclass(frozen=True)
class PageRuntime:
    """How a backend is told to run a model."""

    module: str
    """The script that knows the runtime."""
    backend: str
    """The runtime's own name for where it runs."""
    files: tuple[str, ...]
    """Patterns below ``node_modules``."""
    flags: Mapping[str, Any] = field(default_factory=dict)


_TFJS = "@tensorflow/tfjs/dist/tf.es2017.min.js"
_ORT = "onnxruntime-web/dist/"
RUNTIMES = {
    "tfjs-cpu": PageRuntime("run_tfjs.js", "cpu", (_TFJS,)),
    "tfjs-wasm": PageRuntime(
        "run_tfjs.js",
        "wasm",
        (
            _TFJS,
            "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.es2017.min.js",
            "@tensorflow/tfjs-backend-wasm/dist/*.wasm",
        ),
    ),
    "tfjs-webgl": PageRuntime("run_tfjs.js", "webgl", (_TFJS,)),
    "tfjs-webgl-f16": PageRuntime(
        "run_tfjs.js", "webgl", (_TFJS,), {"WEBGL_FORCE_F16_TEXTURES": True}
    ),
    "tfjs-webgpu": PageRuntime(
        "run_tfjs.js",
        "webgpu",
        (_TFJS, "@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.es2017.min.js"),
    ),
    "ort-wasm": PageRuntime(
        "run_ort.js",
        "wasm",
        (f"{_ORT}ort.wasm.min.mjs", f"{_ORT}ort-wasm-simd-threaded.[mw]*"),
    ),
    "ort-webgpu": PageRuntime(
        "run_ort.js",
        "webgpu",
        (f"{_ORT}ort.webgpu.min.mjs", f"{_ORT}ort-wasm-simd-threaded.asyncify.[mw]*"),
    ),
}


def write_page(folder: Path, target: Target) -> str:
    """Write a page with all that it loads, and return the command that serves it."""
    from pipeline.backends.web.packages import MODULES, PAGE

    # What is wrong in TensorFlow too is wrong in every browser.
    runtime = RUNTIMES.get(target.backend, RUNTIMES["tfjs-cpu"])
    loaded = [path for pattern in runtime.files for path in MODULES.glob(pattern)]
    page = [SCRIPTS / "index.html", SCRIPTS / "reproduce.js", PAGE / "safetensors.js"]
    for path in (*page, *loaded):
        shutil.copyfile(path, folder / path.name)
    shutil.copyfile(SCRIPTS / runtime.module, folder / "run.js")
    settings = {"backend": runtime.backend, "flags": dict(runtime.flags)}
    (folder / RUNTIME).write_text(json.dumps(settings))
    return (
        "python -m http.server --bind 127.0.0.1 8000\n"
        f"# and open http://127.0.0.1:8000/ in {target.engine or 'a browser'}"
    )
