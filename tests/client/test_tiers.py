"""What fails drops to the next tier, and is told: refused and lost contexts, wrong answers, …

What no engine differs in is tested without a browser too (``unit/session.test.mjs``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from client_fixtures import Open, Site
from client_page import HTML, ScriptError, ScriptPage
from client_release import ROOT, Release
from client_site import answer, delay
from client_tiers import (
    LOSE_WEBGL,
    NO_WEBGL,
    SAVE_DATA,
    Manifest,
    break_browser,
    edited,
    only,
    put_runtime,
)
from nightly import ENGINES, nightly
from test_model import CLASSIFY, LOADED, where

from pipeline.backends.web import session
from pipeline.publish.delivery.runtime import split

pytestmark = pytest.mark.browser

UINT8, FP32 = "tfjs-graph/uint8", "tfjs-graph/fp32"


@pytest.fixture
def webgl_first(everywhere: Release, tmp_path: Path) -> Release:
    """One artifact on WebGL, which was fast on a GPU everywhere, and another in WebAssembly."""

    def change(manifest: Manifest) -> None:
        only(UINT8, FP32, backend="tfjs-wasm")(manifest)
        first, other = sorted(manifest["artifacts"], key=lambda one: one["id"] != UINT8)
        gpu = {"kind": "gpu", "name": "a GPU", "details": {}}
        # Worth its larger runtime, however soon that comes.
        fast, slow = ({"first_ms": ms, "median_ms": ms} for ms in (0.001, 1000))
        for proof in other["validation"]:
            proof["latency"] |= slow
        first["validation"] = [
            {**proof, "backend": "tfjs-webgl", "engine": engine, "hardware": gpu}
            | {"latency": {**proof["latency"], **fast}}
            for proof in first["validation"][:1]
            for engine in ("chromium", "firefox", "webkit")
        ]

    return edited(everywhere, tmp_path, change)


#: What privacy settings do: a rasterizer is called something else.
MASKED = """
const { getParameter } = WebGL2RenderingContext.prototype;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  const value = getParameter.call(this, name);
  return [7937, 37446].includes(name) ? 'a GPU' : value;
};
"""


def tried(info: Manifest) -> list[tuple[str, str, str]]:
    return [(one["artifact"], one["backend"], one["code"]) for one in info["tried"]]


NO_WORKER_WEBGL = "WebKitGTK gives WebGL to no worker"


def test_a_refused_webgl_context_drops_to_webassembly(
    page: ScriptPage, site: Site, webgl_first: Release
) -> None:
    site.publish(webgl_first)
    break_browser(site.cdn, MASKED + NO_WEBGL)
    said = page.run(CLASSIFY, **where(site))
    assert (said["info"]["artifact"], said["info"]["backend"]) == (FP32, "tfjs-wasm")
    assert len(said["found"]) == 8
    with pytest.raises(ScriptError, match="tfjs-webgl: not offered by this browser") as told:
        page.run(CLASSIFY, **where(site, options={"backend": "tfjs-webgl"}))
    assert told.value.code == "nothing"


def test_a_context_that_is_refused_later_is_told(
    page: ScriptPage, site: Site, webgl_first: Release
) -> None:
    """The first context is given, as to find out what there is; the runtime's is not."""
    if page.engine == "webkit":
        pytest.skip(NO_WORKER_WEBGL)
    site.publish(webgl_first)
    later = "let given = 0;" + NO_WEBGL.replace("? null", "&& given++ ? null")
    break_browser(site.cdn, MASKED + later)
    said = page.run(CLASSIFY, **where(site))["info"]
    assert (said["artifact"], said["backend"]) == (FP32, "tfjs-wasm")
    assert tried(said) == [(UINT8, "tfjs-webgl", "unavailable")]
    assert "WebGL" in said["tried"][0]["message"]


LOSE = f"""{LOADED}
const before = model.info.backend;
const first = (await model.classify(image(args.images[0]))).artifact;
const faults = new BroadcastChannel('faults');
const lost = new Promise((resolve) => {{ faults.onmessage = resolve; }});
faults.postMessage('lose');
await lost;
const second = await model.classify(image(args.images[0]));
return {{ before, first, second: second.artifact, label: second[0].label, info: model.info }};
"""


def test_a_lost_context_reopens_on_the_next_tier(
    page: ScriptPage, site: Site, webgl_first: Release
) -> None:
    if page.engine == "webkit":
        pytest.skip(NO_WORKER_WEBGL)
    site.publish(webgl_first)
    break_browser(site.cdn, MASKED + LOSE_WEBGL)
    said = page.run(LOSE, **where(site))
    assert (said["before"], said["first"]) == ("tfjs-webgl", UINT8)
    assert (said["info"]["backend"], said["second"]) == ("tfjs-wasm", FP32)
    assert tried(said["info"]) == [(UINT8, "tfjs-webgl", "lost")]


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_backend_that_was_asked_for_is_opened_anew(
    page: ScriptPage, site: Site, webgl_first: Release
) -> None:
    """Nothing else may take its place, and a GPU that was reset works again."""
    site.publish(webgl_first)
    break_browser(site.cdn, MASKED + LOSE_WEBGL)
    said = page.run(LOSE, **where(site, options={"backend": "tfjs-webgl"}))
    assert (said["info"]["backend"], said["second"]) == ("tfjs-webgl", UINT8)
    assert tried(said["info"]) == [(UINT8, "tfjs-webgl", "lost")]


LOSE_OFTEN = f"""{LOADED}
const faults = new BroadcastChannel('faults');
const said = [];
for (let i = 0; i < 6; i++) {{
  const lost = new Promise((resolve) => {{ faults.onmessage = resolve; }});
  faults.postMessage('lose');
  await lost;
  const answer = model.classify(image(args.images[0]));
  said.push(await answer.then(() => 'answered', ({{ code }}) => code));
}}
return said;
"""


@pytest.mark.nightly  # unit/fallback.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_backend_that_is_lost_again_and_again_is_given_up(
    page: ScriptPage, site: Site, webgl_first: Release
) -> None:
    site.publish(webgl_first)
    break_browser(site.cdn, MASKED + LOSE_WEBGL)
    said = page.run(LOSE_OFTEN, **where(site, options={"backend": "tfjs-webgl"}))
    assert said == ["answered"] * 3 + ["nothing"] * 3


LOSE_ALL = LOSE.replace(
    "const second =",
    """const codes = [];
    for (const ask of [() => model.classify(image(args.images[0])), () => model.memory()]) {
      codes.push(await ask().then(() => 'answered', ({ code }) => code));
    }
    return codes;
    const second =""",
)


@pytest.mark.nightly  # unit/session.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_where_the_last_tier_is_lost_all_calls_say_so(
    page: ScriptPage, site: Site, webgl_first: Release, tmp_path: Path
) -> None:
    folder = tmp_path / "last"
    folder.mkdir()
    site.publish(edited(webgl_first, folder, only(UINT8, backend="tfjs-webgl")))
    break_browser(site.cdn, MASKED + LOSE_WEBGL)
    assert page.run(LOSE_ALL, **where(site)) == ["nothing", "nothing"]


def wrong_canary(*artifacts: str) -> Any:
    def change(manifest: Manifest) -> None:
        for artifact in manifest["artifacts"]:
            if not artifacts or artifact["id"] in artifacts:
                for output in artifact["canary"]["outputs"].values():
                    output["values"] = output["values"][::-1]

    return change


def test_a_wrong_answer_to_the_canary_drops_to_another_artifact(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    site.publish(edited(published, tmp_path, wrong_canary(UINT8)))
    said = page.run(CLASSIFY, **where(site))["info"]
    assert said["artifact"] != UINT8
    assert tried(said) == [(UINT8, "tfjs-wasm", "canary")]
    assert "probabilities[" in said["tried"][0]["message"]
    with pytest.raises(ScriptError, match=r"uint8 on tfjs-wasm: probabilities\[") as told:
        page.run(CLASSIFY, **where(site, options={"artifact": UINT8}))
    assert [one["code"] for one in told.value.fields["tried"]] == ["canary"]


@pytest.mark.nightly  # unit/session.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_where_nothing_works_all_is_listed(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    there = UINT8, "onnx/fp32"

    def change(manifest: Manifest) -> None:
        wrong_canary()(manifest)
        manifest["artifacts"] = [one for one in manifest["artifacts"] if one["id"] in there]

    site.publish(edited(published, tmp_path, change))
    with pytest.raises(ScriptError) as told:
        page.run(CLASSIFY, **where(site))
    pairs = {(one["artifact"], one["backend"]) for one in told.value.fields["tried"]}
    assert pairs == {(UINT8, "tfjs-wasm"), ("onnx/fp32", "ort-wasm")}
    assert all(f"{artifact} on {backend}: " in told.value.message for artifact, backend in pairs)


@pytest.mark.nightly  # unit/session.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_missing_shard_drops_to_another_artifact(
    page: ScriptPage, site: Site, published: Release
) -> None:
    for file in published.artifact(UINT8)["files"]:
        if file["path"].endswith(".bin"):
            site.cdn.fail(f"*{file['path']}", answer(404))
    said = page.run(CLASSIFY, **where(site))["info"]
    assert said["artifact"] != UINT8
    assert tried(said) == [(UINT8, "tfjs-wasm", "http")]
    assert "HTTP 404" in said["tried"][0]["message"]


@pytest.mark.nightly  # unit/session.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_missing_runtime_drops_to_another_runtime(
    page: ScriptPage, site: Site, published: Release
) -> None:
    entry = published.manifest["runtimes"]["tfjs-wasm"]["entry"]
    site.cdn.fail(f"*{entry}", answer(404))
    said = page.run(CLASSIFY, **where(site))["info"]
    assert said["backend"] != "tfjs-wasm" or said["artifact"].startswith("tfjs-layers")
    assert [one[1:] for one in tried(said)] == [("tfjs-wasm", "http")]


@pytest.mark.nightly  # unit/session.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_saved_data_takes_the_fewest_bytes(page: ScriptPage, site: Site) -> None:
    break_browser(site.cdn, SAVE_DATA)
    said = page.run(CLASSIFY, **where(site))["info"]
    assert said["artifact"] == UINT8 and "fewest bytes" in said["why"]


#: Policies of pages: no worker at all; scripts of the page and the CDN only, none from blob: URLs.
POLICIES = {
    "no workers": "worker-src 'none'",
    "no blobs": "script-src 'self' 'unsafe-inline' 'unsafe-eval' {cdn}",
}


#: Each with every engine nightly.
REFUSED = [
    (engine, name) if engine == "chromium" else nightly(engine, name)
    for engine in ENGINES
    for name in POLICIES
]


@pytest.mark.parametrize(("engine", "name"), REFUSED, indirect=["engine"])
def test_where_policy_refuses_workers_it_runs_on_the_page(
    open_page: Open, site: Site, name: str
) -> None:
    site.page.put("/strict", HTML)
    policy = POLICIES[name].format(cdn=site.cdn.address)
    site.page.extra_headers["/strict"] = {"Content-Security-Policy": policy}
    said = open_page("/strict").run(CLASSIFY, **where(site))
    assert said["info"]["thread"] == "page" and len(said["found"]) == 8
    warnings = said["info"]["warnings"]
    assert "no worker could start" in warnings[0] and "README" in warnings[0]
    unchecked = [one for one in warnings if "runs unchecked: CSP" in one]
    # The runtime and the task; what blob: URLs start was checked.
    assert len(unchecked) == (2 if name == "no blobs" else 0)


def test_the_policy_that_the_readme_asks_for_is_enough(open_page: Open, site: Site) -> None:
    readme = (ROOT / "pipeline" / "client" / "README.md").read_text()
    (policy,) = re.findall(r"```\n(script-src .*?)```", readme, re.DOTALL)
    # The tests' own page has its script inside of it, and posts what it found.
    policy = policy.replace("script-src ", "script-src 'unsafe-inline' 'unsafe-eval' ")
    policy = policy.replace("connect-src", "connect-src 'self'")
    policy = " ".join(policy.replace("https://cdn.example", site.cdn.address).split())
    site.page.put("/strict", HTML)
    site.page.extra_headers["/strict"] = {"Content-Security-Policy": policy}
    said = open_page("/strict").run(CLASSIFY, **where(site))
    assert said["info"]["thread"] == "worker" and len(said["found"]) == 8
    assert said["info"]["warnings"] == []


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_code_that_runs_unchecked_is_told_to_every_model(open_page: Open, site: Site) -> None:
    site.page.put("/strict", HTML)
    policy = POLICIES["no blobs"].format(cdn=site.cdn.address)
    site.page.extra_headers["/strict"] = {"Content-Security-Policy": policy}
    page = open_page("/strict")
    for _ in range(2):  # the second one shares what the first one loaded
        warnings = page.run(CLASSIFY, **where(site))["info"]["warnings"]
        assert sum("runs unchecked" in one for one in warnings) == 2


def test_no_worker_where_none_is_wanted(page: ScriptPage, site: Site) -> None:
    said = page.run(CLASSIFY, **where(site, options={"worker": False}))
    assert said["info"]["thread"] == "page" and said["info"]["warnings"] == []
    assert len(said["found"]) == 8


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chromium with 6.25 MB for any one WebAssembly memory, as on a device that has no more."""
    flags = f"{os.environ.get('PIPELINE_BROWSER_FLAGS', '')} --js-flags=--wasm-max-mem-pages=100"
    monkeypatch.setenv("PIPELINE_BROWSER_FLAGS", flags)
    session.close("chromium")
    yield
    monkeypatch.undo()
    session.close("chromium")


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_too_little_memory_drops_to_what_needs_none(
    little_memory: None, open_page: Open, site: Site, everywhere: Release
) -> None:
    site.publish(everywhere)
    page = open_page()
    said = page.run(CLASSIFY, **where(site, options={"artifact": UINT8}))["info"]
    assert said["backend"] in ("tfjs-webgl", "tfjs-webgpu")
    assert tried(said)[0][:2] == (UINT8, "tfjs-wasm")
    with pytest.raises(ScriptError, match=r"onnx/fp32 on ort-wasm: .*memory"):
        page.run(CLASSIFY, **where(site, options={"artifact": "onnx/fp32", "backend": "ort-wasm"}))


@pytest.mark.parametrize("path", ["/", nightly("/isolated")])
def test_a_client_of_the_pages_own_origin_runs_in_a_worker(
    open_page: Open, site: Site, path: str
) -> None:
    """Also where the page is isolated, and the client's own headers are not made for that."""
    site.page.folders.update(site.cdn.folders)
    said = open_page(path).run(CLASSIFY, **where(site, client=site.page.url("client")))
    assert said["info"]["thread"] == "worker" and len(said["found"]) == 8


WITHOUT_TASK = f"""{LOADED}
const {{ methods }} = model.info;
const data = new Float32Array(64 * 64 * 3);
const {{ probabilities }} = await model.predict(
  {{ image: {{ dtype: 'float32', shape: [1, 64, 64, 3], data }} }});
return {{ methods, classify: typeof model.classify, shape: probabilities.shape }};
"""


@pytest.mark.nightly  # unit/session.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_release_without_code_for_its_task_takes_tensors(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    """As those of models without ``input``, and those that were published before."""

    def change(manifest: Manifest) -> None:
        del manifest["runtimes"][manifest["task"]]

    site.publish(edited(published, tmp_path, change))
    said = page.run(WITHOUT_TASK, **where(site))
    assert said == {"methods": [], "classify": "undefined", "shape": [1, 10]}


#: What a page started, and what of it was ended.
WATCH = """
const { terminate } = Worker.prototype;
const { createObjectURL, revokeObjectURL } = URL;
const urls = new Set();
let ended = 0;
Worker.prototype.terminate = function () { ended++; terminate.call(this); };
URL.createObjectURL = (blob) => {
  const url = createObjectURL.call(URL, blob);
  urls.add(url);
  return url;
};
URL.revokeObjectURL = (url) => { urls.delete(url); revokeObjectURL.call(URL, url); };
const { load } = await import(`${args.client}/index.js`);
const model = await load(args.url);
const said = { ended, urls: urls.size, thread: model.info.thread };
await model.dispose();
return said;
"""


def test_a_worker_leaves_nothing_behind_in_the_page(page: ScriptPage, site: Site) -> None:
    said = page.run(WATCH, **where(site))
    assert (said["urls"], said["thread"]) == (0, "worker")


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_worker_that_failed_is_ended(page: ScriptPage, site: Site) -> None:
    page.run("await import(`${args.client}/index.js`)", client=site.client)
    site.cdn.fail("/client/index.js", answer(503))
    said = page.run(WATCH, **where(site))
    assert (said["ended"], said["thread"]) == (1, "page")


ABORT_START = """
const { load } = await import(`${args.client}/index.js`);
const start = performance.now();
const name = await load(args.url, { signal: AbortSignal.timeout(1500) }).catch(({ name }) => name);
return { name, ms: performance.now() - start };
"""


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_loading_can_be_aborted_while_the_worker_starts(page: ScriptPage, site: Site) -> None:
    page.run("await import(`${args.client}/index.js`)", client=site.client)
    site.cdn.fail("/client/index.js", delay(120))
    said = page.run(ABORT_START, **where(site))
    assert said["name"] == "TimeoutError" and said["ms"] < 60_000


#: A runtime that takes its time.
SLOW_RUNTIME = """
export const prepare = () => {};
export const open = async () => {
  self.opening = true;
  await new Promise((resolve) => setTimeout(resolve, 300));
  return { dispose: async () => { self.freed = true; } };
};
"""

ABORT_OPENING = """
const { load } = await import(`${args.client}/index.js`);
const until = async (done) => {
  for (let i = 0; i < 100 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  return !!done();
};
const control = new AbortController();
const { signal } = control;
const loading = load(args.url, { signal, ...args.options }).catch((error) => `${error}`);
await until(() => self.opening);
control.abort(null);
return { error: await loading, freed: await until(() => self.freed) };
"""


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_model_whose_load_is_aborted_while_it_opens_is_freed(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    """Where a worker would end with all that it holds, a page lives on."""
    (tmp_path / "slow.js").write_text(SLOW_RUNTIME)

    def change(manifest: Manifest) -> None:
        only(UINT8, backend="tfjs-wasm")(manifest)
        file = put_runtime(tmp_path / "slow.js", "", (), tmp_path / "cdn" / "runtimes")
        manifest["runtimes"]["tfjs-wasm"] = {"entry": file["path"], "version": "0", "files": [file]}

    site.publish(edited(published, tmp_path, change))
    said = page.run(ABORT_OPENING, **where(site, options={"worker": False}))
    assert said == {"error": "null", "freed": True}


def test_a_worker_that_cannot_be_had_is_no_end(open_page: Open, site: Site) -> None:
    """The page has the client already; its worker's own request fails."""
    page = open_page()
    page.run("await import(`${args.client}/index.js`)", client=site.client)
    site.cdn.fail("/client/index.js", answer(503))
    said = page.run(CLASSIFY, **where(site))
    assert said["info"]["thread"] == "page" and len(said["found"]) == 8
    assert any("no worker could start" in one for one in said["info"]["warnings"])


def test_a_runtime_in_parts_is_joined(
    open_page: Open, site: Site, published: Release, tmp_path: Path
) -> None:
    """As one that is too large for some hosts is published; here one that needs no GPU."""
    runtimes = tmp_path / "cdn" / "runtimes"

    def change(manifest: Manifest) -> None:
        runtimes.mkdir(exist_ok=True)
        files = manifest["runtimes"]["ort-wasm"]["files"]
        whole = published.cdn / files[1]["path"]
        parts = split(whole, tmp_path / "parts", most=4 * 2**20)
        name = files[1]["name"]
        named = [
            put_runtime(part, name + (f".{i}" if i else ""), ("simd",), runtimes)
            for i, part in enumerate(parts)
        ]
        manifest["runtimes"]["ort-wasm"]["files"] = [files[0], *named]

    site.publish(edited(published, tmp_path, change))
    said = open_page().run(CLASSIFY, **where(site, options={"backend": "ort-wasm"}))
    assert said["info"]["backend"] == "ort-wasm" and said["info"]["tried"] == []
    assert len(site.cdn.seen("/runtimes/*.wasm")) == 4
