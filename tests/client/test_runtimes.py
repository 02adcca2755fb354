"""The runtime bundles: each opens models from memory in a worker of each engine, and is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client_page import Pages, ScriptError, ScriptPage, page_origin
from client_release import Release
from client_site import CORS, NO_STORE, Origin, running
from nightly import ENGINES, nightly
from safetensors.numpy import load_file

from pipeline.backends.web import esbuild
from pipeline.backends.web.bundles import assets_of
from pipeline.base.digest import file_digest
from pipeline.publish.delivery.compress import TWINS
from pipeline.publish.delivery.runtime import LICENCE_FILE, PACKAGES, SOURCES

pytestmark = pytest.mark.browser

FIXTURES = Path(__file__).parents[1] / "backends/web/fixtures"
RUNTIMES = sorted(path.stem for path in SOURCES.glob("*-*.js"))
WEBGPU = [name for name in RUNTIMES if "webgpu" in name]

#: In a worker from a blob: URL, as the client's is; the bundle from one too.
RUN = """
const bytes = async (url) => (await fetch(url)).arrayBuffer();
const blob = async (url, type) => URL.createObjectURL(new Blob([await bytes(url)], { type }));
const all = async (named, get) => Object.fromEntries(await Promise.all(
  Object.entries(named).map(async ([name, url]) => [name, await get(url)])));
const job = { ...args, bundle: await blob(args.bundle, 'text/javascript') };
const { format, inputs, outputs, threads } = args.request;
const all_files = { [args.entry]: args.entry_url, ...args.files };
const artifact = { format, entry: args.entry,
                   files: Object.keys(all_files).map((path) => ({ path })) };
job.delivery = { artifact, manifest: { inputs, outputs }, threads,
                 contents: await Promise.all(Object.values(all_files).map(bytes)),
                 assets: await all(args.assets, bytes) };

const work = async ({ bundle, delivery, feeds, times, early }) => {
  const { open, prepare } = await import(bundle);
  const { assets, threads } = delivery;
  await Promise.all(Array.from({ length: early }, () => prepare({ assets, threads })));
  const model = await open(delivery);
  for (const feed of Object.values(feeds)) feed.data = Float32Array.from(feed.data);
  const first = await model.run(feeds);
  const before = model.memory();
  for (let i = 1; i < times; i++) await model.run(feeds);
  const after = model.memory();
  await model.dispose();
  for (const output of Object.values(first)) output.data = [...output.data];
  return { first, before, after, disposed: model.memory(), details: model.details };
};
if (args.on === 'page') return work(job);

const source = `${args.first ?? ''}; onmessage = ({ data }) => (${work})(data).then(
  (said) => postMessage({ said }),
  ({ name, message, code }) => postMessage({ error: { name, message, code } }));`;
const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
const worker = new Worker(url, { type: 'module' });
const { said, error } = await new Promise((resolve, reject) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message || 'the worker did not start'));
  worker.postMessage(job);
});
worker.terminate();
if (error) throw error;
return said;
"""


@dataclass(frozen=True)
class Case:
    """A model of the browser tests, and what it answers."""

    name: str

    @property
    def folder(self) -> Path:
        return FIXTURES / self.name / "artifact"

    @property
    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "artifact.json").read_text())
        return found

    def tensors(self, side: str) -> dict[str, Any]:
        # The ONNX model is the classifier in another format.
        folder = FIXTURES / self.name.removesuffix("_onnx")
        return load_file(folder / f"{side}.safetensors")


def case_of(runtime: str) -> Case:
    if runtime.startswith("ort"):
        return Case("classifier_onnx")
    return Case("layers" if runtime.endswith("layers") else "classifier")


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    folder = tmp_path_factory.mktemp("bundles")
    made = esbuild.bundle([SOURCES / f"{name}.js" for name in RUNTIMES], folder)
    assert set(made.packages) <= set(PACKAGES), "each has its licence published"
    folders = {"/bundles/": folder, "/models/": FIXTURES}
    with running(Origin({**CORS, **NO_STORE}, folders)) as origin:
        for name in RUNTIMES:
            for path in assets_of(name):
                origin.put(f"/assets/{path.name}", path.read_bytes())
        yield origin


@pytest.fixture(scope="module")
def user() -> Iterator[Origin]:
    with running(page_origin()) as origin:
        yield origin


def task(cdn: Origin, runtime: str, **changes: Any) -> dict[str, Any]:
    """What ``RUN`` is told."""
    case = case_of(runtime)
    made = case.described
    base = f"models/{case.name}/artifact"
    others = [file["path"] for file in made["files"] if file["path"] != made["entry"]]
    inputs = case.tensors("inputs")
    request = {"format": made["format"], "inputs": made["inputs"], "outputs": made["outputs"]}
    whole = {
        "bundle": cdn.url(f"bundles/{runtime}.js"),
        "assets": {path.name: cdn.url(f"assets/{path.name}") for path in assets_of(runtime)},
        "entry": made["entry"],
        "entry_url": cdn.url(f"{base}/{made['entry']}"),
        "files": {path: cdn.url(f"{base}/{path}") for path in others},
        "feeds": {
            name: {"dtype": "float32", "shape": array.shape, "data": array.ravel().tolist()}
            for name, array in inputs.items()
        },
        "times": 3,
        "early": 0,
        "request": request,
    }
    return {**whole, **changes, "request": {**request, **changes.get("request", {})}}


@pytest.fixture
def plain(engine: str, user: Origin, pages: Pages) -> ScriptPage:
    return pages.open(engine, user)


@pytest.fixture
def isolated(engine: str, user: Origin, pages: Pages) -> ScriptPage:
    return pages.open(engine, user, "/isolated")


#: Layers models differ from graph models in no backend: one is enough.
SHOWN = [name for name in RUNTIMES if not name.endswith("-layers") or "wasm" in name]


#: On a pull request each in Chromium: test_model.py has a page in each of the others.
PAIRS = [
    (engine, name) if engine == "chromium" else nightly(engine, name)
    for name in SHOWN
    for engine in ENGINES
]


@pytest.mark.parametrize(("engine", "runtime"), PAIRS, indirect=["engine"])
def test_answers_as_the_source_model_did(plain: ScriptPage, cdn: Origin, runtime: str) -> None:
    # WebKitGTK has no WebGL in workers; clients then run it on the page.
    on = "page" if plain.engine == "webkit" and "webgl" in runtime else "worker"
    try:
        said = plain.run(RUN, **task(cdn, runtime, on=on))
    except ScriptError as error:
        if runtime in WEBGPU and error.code == "unavailable":
            pytest.skip(f"{runtime} in {plain.engine}: {error.message}")
        raise
    for name, expected in case_of(runtime).tensors("outputs").items():
        output = said["first"][name]
        assert output["dtype"] == "float32"
        found = np.reshape(np.array(output["data"], "float32"), output["shape"])
        np.testing.assert_allclose(found, expected, atol=1e-5)
    backend = runtime.split("-")[1]
    assert said["details"]["backend"] == backend
    assert said["details"]["version"]
    if backend == "wasm":
        assert said["details"]["simd"] is True
        assert said["details"]["threads"] == 1, "the page is not isolated"
    else:
        assert said["details"]["renderer"]
    if runtime.startswith("tfjs"):
        assert said["before"]["tensors"] > 0
        assert said["before"] == said["after"], "no tensor leaks"
        assert said["disposed"] == {"tensors": 0, "bytes": 0}


@pytest.mark.parametrize("runtime", ["tfjs-wasm", "ort-wasm"])
def test_threads_in_an_isolated_page(isolated: ScriptPage, cdn: Origin, runtime: str) -> None:
    if not isolated.run("return crossOriginIsolated"):
        pytest.skip(f"{isolated.engine} gives no isolation here")
    # TF.js by itself takes half of the cores, which on two is one.
    cores = (
        "Object.defineProperty(navigator, 'hardwareConcurrency', {value: 2, configurable: true});"
    )
    try:
        said = isolated.run(RUN, **task(cdn, runtime, first=cores, request={"threads": 2}))
    except TimeoutError:
        if (isolated.engine, runtime) != ("firefox", "tfjs-wasm"):
            raise
        pytest.xfail("TF.js' threads were seen to hang in Firefox where the machine is busy")
    assert said["details"]["threads"] == 2
    for name, expected in case_of(runtime).tensors("outputs").items():
        found = np.reshape(said["first"][name]["data"], said["first"][name]["shape"])
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_cut_shard_is_named_as_one(plain: ScriptPage, cdn: Origin) -> None:
    whole = task(cdn, "tfjs-wasm")
    files = dict(whole["files"])
    shortest = min(files)
    files[shortest] = cdn.put("cut.bin", b"\0" * 8)
    with pytest.raises(ScriptError, match=r"needs \d+ bytes of weights, its 3 shards hold") as told:
        plain.run(RUN, **{**whole, "files": files})
    assert told.value.code == "format"
    del files[shortest]
    name = Path(shortest).name
    with pytest.raises(ScriptError, match=f"names {name}, which is not there") as told:
        plain.run(RUN, **{**whole, "files": files})
    assert told.value.code == "format"


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_model_that_does_not_open_leaves_nothing(plain: ScriptPage, cdn: Origin) -> None:
    """One that answers its canary wrongly; the next one has the memory for itself."""
    whole = task(cdn, "tfjs-wasm")
    (spec,) = whole["request"]["inputs"]
    shape = [size or 1 for size in spec["shape"]]
    one = {"dtype": "float32", "shape": shape, "grid": [1] * len(shape), "values": [0.5]}
    (output,) = whole["request"]["outputs"]
    answer = {"outputs": {output["name"]: {"indices": [0], "values": [9]}}, "tolerance": 0.1}
    wrong = {"inputs": {spec["name"]: one}, "answer": answer}
    script = RUN.replace(
        "  const model =",
        """  const code = await open({ ...delivery, contents: [...delivery.contents],
    artifact: { ...delivery.artifact, canary: wrong.answer },
    manifest: { ...delivery.manifest, canary: wrong } }).catch((error) => error.code);
  const model =""",
    ).replace("feeds, times, early })", "feeds, times, early, wrong })")
    script = script.replace("disposed: model.memory(),", "disposed: model.memory(), code,")
    after = plain.run(script, **whole, wrong=wrong)
    assert after["code"] == "canary"
    assert after["before"] == plain.run(RUN, **whole)["before"]


@pytest.mark.parametrize("runtime", ["tfjs-wasm", "ort-wasm"])
def test_without_its_wasm_it_is_unavailable(plain: ScriptPage, cdn: Origin, runtime: str) -> None:
    with pytest.raises(ScriptError) as told:
        plain.run(RUN, **task(cdn, runtime, assets={}))
    assert told.value.code == "unavailable"


def test_it_starts_before_there_is_a_model(plain: ScriptPage, cdn: Origin) -> None:
    """Twice at once, as for two models of one page."""
    said = plain.run(RUN, **task(cdn, "tfjs-wasm", early=2))
    for name, expected in case_of("tfjs-wasm").tensors("outputs").items():
        found = np.reshape(said["first"][name]["data"], said["first"][name]["shape"])
        np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ScriptError, match="is needed here and was not given") as told:
        plain.run(RUN, **task(cdn, "tfjs-wasm", early=1, assets={}))
    assert told.value.code == "unavailable"


@pytest.mark.parametrize("runtime", WEBGPU)
def test_webgpu_that_is_not_there_is_unavailable(
    plain: ScriptPage, cdn: Origin, runtime: str
) -> None:
    hidden = "Object.defineProperty(navigator, 'gpu', {})"
    with pytest.raises(ScriptError, match="this browser has no WebGPU") as told:
        plain.run(RUN, **task(cdn, runtime, first=hidden))
    assert told.value.code == "unavailable"


def test_a_lost_webgl_context_is_said_to_be(plain: ScriptPage, cdn: Origin) -> None:
    """The context is lost between two runs, as a driver that restarts does."""
    if plain.engine == "webkit":  # in a worker
        with pytest.raises(ScriptError, match="no WebGL context") as told:
            plain.run(RUN, **task(cdn, "tfjs-webgl"))
        assert told.value.code == "unavailable"
        return
    # After the first run: TF.js made one context to look at, and one to work with.
    lose = """
    const contexts = [], { getContext } = OffscreenCanvas.prototype;
    OffscreenCanvas.prototype.getContext = function (...all) {
      contexts.push(getContext.apply(this, all));
      return contexts.at(-1);
    };
    """
    script = RUN.replace(
        "const before =",
        "for (const one of contexts) one?.getExtension('WEBGL_lose_context')?.loseContext();"
        "const before =",
    )
    with pytest.raises(ScriptError, match="context was lost") as told:
        plain.run(script, **task(cdn, "tfjs-webgl", first=lose))
    assert told.value.code == "lost"


def test_a_release_names_the_runtimes_that_it_passed_on(published: Release) -> None:
    runtimes = published.manifest["runtimes"]
    assert set(runtimes) == {"image-classification", "ort-wasm", "tfjs-wasm", "tfjs-wasm-layers"}
    for name, one in runtimes.items():
        assert one["files"][0]["path"] == one["entry"]
        assert one["files"][0]["name"] == f"{name}.js"
        for file in one["files"]:
            path = published.cdn / file["path"]
            assert file_digest(path) == (file["sha256"], file["bytes"])
            for suffix, key in TWINS.items():
                assert path.with_name(path.name + suffix).stat().st_size == file[key]
    own = [file["features"] for file in runtimes["tfjs-wasm"]["files"][1:]]
    assert own == [[], ["simd"], ["simd", "threads"]]
    assert runtimes["tfjs-wasm"]["files"][1:] == runtimes["tfjs-wasm-layers"]["files"][1:]
    licences = (published.cdn / LICENCE_FILE).read_text()
    for words in ("@tensorflow/tfjs-core 4", "onnxruntime-web 1", "Apache License", "Microsoft"):
        assert words in licences


def test_the_client_is_published_for_ever_and_as_the_newest(published: Release) -> None:
    newest = published.cdn / "client"
    (version,) = (path for path in newest.iterdir() if re.fullmatch("[0-9a-f]{16}", path.name))
    for path in (p for p in version.rglob("*") if p.is_file()):
        assert path.read_bytes() == (newest / path.relative_to(version)).read_bytes()
    assert {"index.js", "index.d.ts", "index.js.br"} <= {path.name for path in version.iterdir()}
    assert not re.search(r"""from\s*["']\./""", (version / "index.js").read_text()), "one file"


def test_a_bundle_holds_only_what_it_needs(tmp_path: Path) -> None:
    import brotli

    esbuild.bundle([SOURCES / "tfjs-wasm.js", SOURCES / "ort-wasm.js"], tmp_path)
    sizes = {
        path.stem: len(brotli.compress(path.read_bytes(), quality=11))
        for path in tmp_path.glob("*.js")
    }
    assert sizes["tfjs-wasm"] < 115_000, "no gradients, no layers, no other backend"
    assert sizes["ort-wasm"] < 30_000
