"""What clients run a release with: a bundle for each backend, the WebAssembly that it starts, and
the code of the task and its kind of input with the files that this reads.

They are made of ``client/runtimes/``, ``tasks/``, ``inputs/`` and of pinned packages. Artifacts are
proved with these same bundles (``pipeline/backends/web/bundles.py``), so that what was proved is
what runs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pipeline.backends.web import bundles, packages
from pipeline.base.digest import file_digest
from pipeline.base.options import NoOptions, StrictOptions
from pipeline.engine.step import Files, step
from pipeline.publish.delivery.compress import give_way, write_twins
from pipeline.storage.layout import LICENCE_FILE, MOST_FILE_BYTES, RUNTIMES, runtime_node

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.release import Runtime, RuntimeFile

CLIENT = packages.CLIENT
SOURCES = bundles.PUBLISHED
DESCRIPTION = "runtime.json"


#: All packages of which bundles hold any code.
PACKAGES = (
    *(f"@tensorflow/tfjs-{part}" for part in ("core", "converter", "layers")),
    *(f"@tensorflow/tfjs-backend-{name}" for name in ("cpu", "wasm", "webgl", "webgpu")),
    *("onnxruntime-web", "long", "seedrandom"),
)
#: Texts of licences, of packages that only name theirs.
TEXTS = Path(__file__).parent / "licences"
HOLDERS = {"onnxruntime-web": "Microsoft Corporation", "seedrandom": "David Bau"}


class RuntimeOptions(StrictOptions):
    """Which runtime to bundle."""

    runtime: str


class PageCodeOptions(StrictOptions):
    """Which task's code to bundle, with that of which kind of input."""

    task: str
    kind: str
    constants: dict[str, bool] = Field(default={})
    """What is known of the input's options."""


class KeepOptions(RuntimeOptions):
    """How hard to compress it."""

    best: bool = False
    """Brotli 11, whatever it takes."""


class AssetOptions(StrictOptions):
    """What a backend's own files need."""

    features: dict[str, tuple[str, ...]]
    """Name of the file -> what a browser has to have for it; without one it needs nothing."""
    best: bool = False
    """Brotli 11, whatever it takes."""


def runtime_of(backend: str, format_name: str) -> str | None:
    """The bundle that runs a format on a backend; ``None`` where clients have none."""
    name = bundles.name_of(backend, format_name)
    return name if (SOURCES / f"{name}.js").is_file() else None


# Apart from what follows: proofs wait for it, and not for its compression.
@step(version=3)
def bundle(options: RuntimeOptions, work: Path) -> None:
    """The modules of a runtime -> one file, which proofs run and releases publish."""
    bundles.make(options.runtime, work)


@step(version=2)
def bundle_page_code(options: PageCodeOptions, work: Path) -> None:
    """The modules of a task and of a kind of input -> one file."""
    bundles.make_page_code(options.task, options.kind, work, options.constants)


@step(version=2, lane="compress", tools=("brotli",))
def keep_bundle(bundle: Path, options: KeepOptions, work: Path) -> None:
    """BUNDLE -> the same file named by its digest, and its twins."""
    give_way()
    name = f"{options.runtime}.js"
    entry = _keep({name: bundle / name}, work, best=options.best)[0]
    used = json.loads((bundle / bundles.DESCRIPTION).read_text())["packages"]
    facts = {"entry": entry, "version": _version_of(used)}
    (work / DESCRIPTION).write_text(json.dumps(facts, indent=1))


def _version_of(used: Iterable[str]) -> str:
    """All packages of TF.js have one version; a task's code has the client's."""
    for name in used:
        if name in ("@tensorflow/tfjs-core", "onnxruntime-web"):
            return _version(name)
    version: str = json.loads((CLIENT / "package.json").read_text())["version"]
    return version


# ONNX Runtime's best takes a minute, once for each version: in a process of its own, beside the
# compression of artifacts.
@step(version=3, lane="assets", tools=("brotli",))
def keep_assets(files: Files, options: AssetOptions, work: Path) -> None:
    """Files by name -> the same or their parts, named by their digests, and their twins."""
    give_way()
    named: dict[str, Path] = {}
    features = {}
    for name, file in files.items():
        for index, part in enumerate(split(file, work / "parts")):
            called = f"{name}.{index}" if index else name
            named[called], features[called] = part, list(options.features.get(name, ()))
    kept = _keep(named, work, best=options.best)
    described = [{**file, "features": features[file["name"]]} for file in kept]
    shutil.rmtree(work / "parts", ignore_errors=True)
    (work / DESCRIPTION).write_text(json.dumps({"files": described}, indent=1))


def split(file: Path, folder: Path, most: int = MOST_FILE_BYTES) -> list[Path]:
    """A file, or its parts where it is larger than a host takes: as few, of one size.

    The first part has the file's name in a manifest, the others have a number behind it, and all
    have its features; a bundle joins them (``client/runtimes/delivered.js``).
    """
    size = file.stat().st_size
    if size <= most:
        return [file]
    folder.mkdir(exist_ok=True)
    length = -(-size // -(-size // most))
    content = file.read_bytes()
    parts = [folder / f"{file.stem}.{start}{file.suffix}" for start in range(0, size, length)]
    for index, part in enumerate(parts):
        part.write_bytes(content[index * length : (index + 1) * length])
    return parts


def _keep(files: Mapping[str, Path], work: Path, *, best: bool) -> list[dict[str, Any]]:
    """Copy named files by their digests, with their twins; what a manifest says of each."""
    named = {}
    described = {}
    for name, file in files.items():
        sha256, size = file_digest(file)
        path = f"{sha256}{file.suffix}"
        shutil.copyfile(file, work / path)
        named[path] = file
        described[path] = {"name": name, "path": path, "sha256": sha256, "bytes": size}
    sizes = write_twins(named, work, best=best)
    return [{**file, **sizes[path]} for path, file in described.items()]


def used_runtimes(inputs: Files, artifacts: Iterable[Artifact], task: str) -> dict[str, Runtime]:
    """The runtimes on which an artifact passed, and the task's code, as a manifest tells of them.

    Args:
        inputs: of the manifest's step; a build that publishes nothing made no runtimes.
        task: the config's.
    """
    passed = {
        runtime_of(result["backend"], artifact["format"])
        for artifact in artifacts
        for result in artifact["validation"]
        if result["status"] == "pass"
    }
    names = sorted(name for name in {*passed, task} if name and runtime_node(name) in inputs)
    return {name: _describe(name, inputs) for name in names}


def _describe(name: str, inputs: Files) -> Runtime:
    """A runtime's version and files; paths are below the CDN folder."""
    bundle = json.loads((inputs[runtime_node(name)] / DESCRIPTION).read_text())
    kept = inputs.get(runtime_node(name, asset=True))
    bundled_files = json.loads((kept / DESCRIPTION).read_text())["files"] if kept else []
    described: list[RuntimeFile] = [bundle["entry"], *bundled_files]
    files: list[RuntimeFile] = [
        {**file, "path": f"{RUNTIMES}/{file['path']}"} for file in described
    ]
    return {"entry": files[0]["path"], "version": bundle["version"], "files": files}


# Of all that is ever bundled, so that no model's release takes away what another's needs.
@step(version=1, quick=True)
def licences(options: NoOptions, work: Path) -> None:
    """Nothing -> the licences of all packages of which bundles hold any code."""
    by_text: dict[str, list[str]] = {}
    for name in PACKAGES:
        by_text.setdefault(_licence(name), []).append(f"{name} {_version(name)}")
    parts = ["\n".join(names) + "\n\n" + text for text, names in by_text.items()]
    (work / LICENCE_FILE).write_text(_RULE.join(parts) + "\n")


_RULE = f"\n\n{'=' * 78}\n\n"


def _licence(name: str) -> str:
    """The text that comes with a package; the words of the licence it names where none does."""
    folder = packages.MODULES / name
    texts = [path for path in folder.iterdir() if path.stem.upper() in ("LICENSE", "NOTICE")]
    if texts:
        return "\n\n".join(path.read_text(errors="replace").strip() for path in sorted(texts))
    named = _package(name)["license"].split(" AND ")
    text = "\n\n".join((TEXTS / f"{licence}.txt").read_text().strip() for licence in named)
    return text.replace("<holder>", HOLDERS.get(name, ""))


def _version(name: str) -> str:
    version: str = _package(name)["version"]
    return version


def _package(name: str) -> dict[str, Any]:
    package: dict[str, Any] = json.loads((packages.MODULES / name / "package.json").read_text())
    return package
