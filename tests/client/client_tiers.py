"""Releases with other backends, proofs, models or canaries than published; faults of browsers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

from client_release import Release
from client_site import Origin
from safetensors.numpy import load_file

from pipeline.backends.web import esbuild
from pipeline.backends.web.bundles import assets_of
from pipeline.publish.delivery.runtime import SOURCES
from pipeline.publish.release import page

Manifest = dict[str, Any]

FIXTURES = Path(__file__).parents[1] / "backends/web/fixtures"
#: Format -> a model that a rasterizer compiles in no time.
TINY = {"tfjs-graph": "classifier", "onnx": "classifier_onnx"}
#: Backend -> the one whose proofs stand for its own; those that the tests' releases lack.
GPU_BACKENDS = {"tfjs-webgl": "tfjs-wasm", "tfjs-webgpu": "tfjs-wasm", "ort-webgpu": "ort-wasm"}


def edited(release: Release, folder: Path, change: Callable[[Manifest], object]) -> Release:
    """A copy of a CDN folder in which ``latest`` names another manifest."""
    shutil.copytree(release.cdn, folder / "cdn", copy_function=os.link)
    manifest = deepcopy(release.manifest)
    change(manifest)
    model = folder / "cdn" / manifest["name"]
    latest = json.loads((model / "latest.json").read_text())
    content = json.dumps(manifest).encode()
    own = page.encode(manifest)
    home = model / "releases" / manifest["release"]
    home.mkdir(exist_ok=True)
    paths = home / Path(latest["manifest"]).name, home / Path(latest["page"]["path"]).name
    whole, small = (path.relative_to(model).as_posix() for path in paths)
    pointer = {**latest, "release": manifest["release"], "manifest": whole}
    pointer["sha256"] = sha256(content).hexdigest()
    pointer["page"] = {**latest["page"], "path": small, "sha256": sha256(own).hexdigest()}
    texts = (content, own, json.dumps(pointer).encode())
    # Not into the file, which is the original's too.
    for path, text in zip((*paths, model / "latest.json"), texts, strict=True):
        for twin in model.glob(f"{path.relative_to(model)}*"):
            twin.unlink()
        path.write_bytes(text)
    return Release(folder / "cdn", manifest)


def with_other_head(release: Release, folder: Path) -> Release:
    """The release after it: of each artifact the last shard is another, as of the same size.

    So it is where only the head was trained again, as ``test_second_release.py`` builds it. These
    weights are fetched and never run.
    """
    files = folder / "cdn" / release.manifest["name"] / "files"

    def change(manifest: Manifest) -> None:
        manifest["release"] = "f" * 16
        for artifact in manifest["artifacts"]:
            last = [file for file in artifact["files"] if file["path"].endswith(".bin")][-1]
            content = (files.parent / last["path"]).read_bytes()[::-1]
            digest = sha256(content).hexdigest()
            (files / f"{digest}.bin").write_bytes(content)
            twins = {"br_bytes": None, "gz_bytes": None}
            last.update(twins, path=f"files/{digest}.bin", sha256=digest)

    return edited(release, folder, change)


def with_tiny_model(release: Release, folder: Path) -> Release:
    """A release that says the same of a far smaller model, whose canary is its own."""
    files = folder / "cdn" / release.manifest["name"] / "files"
    image, answers = (
        load_file(FIXTURES / "classifier" / f"{side}.safetensors")[name][:1]
        for side, name in (("inputs", "image"), ("outputs", "probabilities"))
    )
    values = answers.ravel().tolist()
    whole = {"dtype": "float32", "shape": image.shape, "grid": image.shape}
    told = {"indices": list(range(len(values))), "values": values}

    def change(manifest: Manifest) -> None:
        kept = [one for one in manifest["artifacts"] if one["format"] in TINY]
        for artifact in kept:
            made = FIXTURES / TINY[artifact["format"]] / "artifact"
            shutil.copytree(made / "files", files, dirs_exist_ok=True)
            described = json.loads((made / "artifact.json").read_text())
            twins = {"br_bytes": None, "gz_bytes": None}
            listed = [{**file, **twins} for file in described["files"]]
            artifact |= {**twins, "files": listed, **_told(described, "entry", "bytes")}
            artifact["canary"]["outputs"] = {"probabilities": told}
        manifest |= {"artifacts": kept, **_told(described, "inputs", "outputs")}
        manifest["labels"] = manifest["labels"][: len(values)]
        manifest["input"]["image"]["size"] = image.shape[1:3]
        manifest["canary"] = {"inputs": {"image": {**whole, "values": image.ravel().tolist()}}}

    return edited(release, folder, change)


def _told(described: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: described[name] for name in names}


def with_gpu_backends(release: Release, folder: Path) -> Release:
    """A release that says it passed on WebGL and WebGPU too, drawn by software."""
    made = folder / "bundles"
    esbuild.bundle([SOURCES / f"{name}.js" for name in GPU_BACKENDS], made)
    runtimes = folder / "cdn" / "runtimes"
    described = {}

    def change(manifest: Manifest) -> None:
        runtimes.mkdir(exist_ok=True)
        for name in GPU_BACKENDS:
            own = [(path, path.name, needs) for path, needs in assets_of(name).items()]
            files = [put_runtime(*one, runtimes) for one in [(made / f"{name}.js", "", ()), *own]]
            described[name] = {"entry": files[0]["path"], "version": "0", "files": files}
        manifest["runtimes"].update(described)
        for artifact in manifest["artifacts"]:
            artifact["validation"] += _proofs(artifact["validation"])

    return edited(release, folder, change)


def put_runtime(file: Path, name: str, needs: tuple[str, ...], folder: Path) -> dict[str, Any]:
    content = file.read_bytes()
    digest = sha256(content).hexdigest()
    path = folder / f"{digest}{file.suffix}"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    sizes = {"bytes": len(content), "br_bytes": None, "gz_bytes": None}
    known = {"path": f"runtimes/{path.name}", "sha256": digest, **sizes}
    return {"name": name, **known, "features": list(needs)}


def _proofs(validation: list[Manifest]) -> list[Manifest]:
    hardware = {"kind": "software", "name": "a rasterizer", "details": {}}
    return [
        {**proof, "backend": name, "target": f"{name}@{proof['engine']}", "hardware": hardware}
        for name, stands_for in GPU_BACKENDS.items()
        for proof in validation
        if proof["backend"] == stands_for
    ]


def only(*artifacts: str, backend: str) -> Callable[[Manifest], None]:
    """A change that leaves some artifacts with their proofs on one backend."""

    def change(manifest: Manifest) -> None:
        kept = [one for one in manifest["artifacts"] if one["id"] in artifacts]
        for artifact in kept:
            proofs = artifact["validation"]
            artifact["validation"] = [one for one in proofs if one["backend"] == backend]
        manifest["artifacts"] = kept

    return change


def break_browser(cdn: Origin, script: str) -> None:
    """Serve a client that first runs a script, so in its worker too."""
    client = cdn.find("/client/index.js")
    assert client
    cdn.put("client/index.js", f"{script}\n{client.read_text()}")


#: This browser gives no WebGL, as one whose GPU is on a list of bad ones.
NO_WEBGL = """
const getContext = OffscreenCanvas.prototype.getContext;
OffscreenCanvas.prototype.getContext = function (kind, ...more) {
  return kind.startsWith('webgl') ? null : getContext.call(this, kind, ...more);
};
"""

#: All WebGL contexts are lost when a page says so, as after a driver's restart.
LOSE_WEBGL = """
const getContext = OffscreenCanvas.prototype.getContext;
const contexts = [];
OffscreenCanvas.prototype.getContext = function (...all) {
  const context = getContext.apply(this, all);
  if (all[0].startsWith('webgl') && context) contexts.push(context);
  return context;
};
const faults = new BroadcastChannel('faults');
faults.onmessage = ({ data }) => {
  // The page runs this too, and has none of them.
  if (data !== 'lose' || self.document) return;
  for (const one of contexts.splice(0)) one.getExtension('WEBGL_lose_context')?.loseContext();
  faults.postMessage('lost');
};
"""

SAVE_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } });"
