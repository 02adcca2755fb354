"""The packed client in what users' bundlers make of it: a runtime starts, in a worker."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from bundler_project import APP, build, page_html, vite_server
from client_fixtures import Open, Site
from client_page import ScriptPage
from nightly import nightly
from test_model import where

from pipeline.bundled.digits import digits

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

#: Asks the app's ``load``, and the client that is published beside the model.
ASK = """
const file = (text) => new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]);
const ask = async (load, options) => {
  const model = await load(args.url, options);
  const found = [];
  for (const one of args.images) found.push(...await model.classify(file(one), { top: 2 }));
  const { info } = model;
  await model.dispose();
  return { info, found: found.map(({ label, score }) => `${label} ${score}`) };
};
while (!self.app) await new Promise((resolve) => setTimeout(resolve, 50));
const { load } = await import(`${args.client}/index.js`);
const wanted = await ask(load);
return { wanted: wanted.found, ...await ask(app.load, { worker: app.worker }) };
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def ask(page: ScriptPage, site: Site, thread: str = "worker") -> dict[str, Any]:
    """What the app's model says of itself, after it answered as the published client's does."""
    said: dict[str, Any] = page.run(ASK, **where(site))
    assert said["found"] == said["wanted"]
    info: dict[str, Any] = said["info"]
    assert (info["backend"], info["thread"]) == ("tfjs-wasm", thread), info["warnings"]
    if thread == "worker":
        assert info["warnings"] == [] and info["tried"] == []
    origins = (site.page, site.cdn)
    assert not [one for origin in origins for one in origin.seen("/the-app-runs-in-a-worker")]
    return info


def serve(site: Site, out: Path, script: str) -> str:
    """The path of a page that runs what was built, from the page's origin or the CDN's."""
    site.page.folders["/app/"] = site.cdn.folders["/app/"] = out
    site.page.put("/app.html", page_html(script))
    return "/app.html"


@pytest.fixture(params=[nightly("the page's origin"), "another origin"])
def base(request: pytest.FixtureRequest, site: Site) -> str:
    """Where a bundler is told that its output will lie."""
    return (site.cdn if request.param == "another origin" else site.page).url("app/")


def test_webpack(project: Path, site: Site, open_page: Open, out: Path, base: str) -> None:
    said = build("webpack", project, entry="./main.js", out=str(out), base=base)
    assert said == {"errors": [], "warnings": []}
    ask(open_page(serve(site, out, f'<script src="{base}app.js" crossorigin></script>')), site)
    assert site.page.seen("/app/*") or site.cdn.seen("/app/*")


def test_vite(project: Path, site: Site, open_page: Open, out: Path, base: str) -> None:
    build("vite", project, entry="main.js", out=str(out), base=base)
    ask(open_page(serve(site, out, f'<script type="module" src="{base}app.js"></script>')), site)


def test_vites_development_server(project: Path, site: Site, open_page: Open) -> None:
    (project / "index.html").write_text(page_html('<script type="module" src="/main.js"></script>'))
    page = open_page()
    with vite_server(project) as address:
        page.driver.load(f"{address}/")
        ask(page, site)


FORMATS = {"esm": 'type="module" ', "iife": ""}


@pytest.mark.parametrize("format_name", FORMATS)
def test_esbuild_alone_runs_it_in_the_page_and_says_why(
    project: Path, site: Site, open_page: Open, out: Path, format_name: str
) -> None:
    """Its output is called as the client's own file once was: no worker may take it for that."""
    entries = [["main.js", "index"]]
    build("esbuild", project, entries=entries, out=str(out), format=format_name)
    script = f'<script {FORMATS[format_name]}src="/app/index.js"></script>'
    (warning,) = ask(open_page(serve(site, out, script)), site, thread="page")["warnings"]
    assert "no worker could start" in warning and '"Workers" in the client\'s README' in warning
    wrong = {"esm": "app/model-pipeline-worker.js", "iife": "Invalid URL"}
    assert wrong[format_name] in warning


#: As the client's README has it for esbuild.
OWN_WORKER = """
self.app.worker = () => new Worker("/app/model-pipeline-worker.js", { type: "module" });
"""


@pytest.mark.parametrize("format_name", ["esm", nightly("iife")])
def test_esbuild_with_the_packages_worker(
    project: Path, site: Site, open_page: Open, out: Path, format_name: str
) -> None:
    (project / "own.js").write_text(APP + OWN_WORKER)
    build("esbuild", project, entries=[["own.js", "index"]], out=str(out), format=format_name)
    worker = project / "node_modules/model-pipeline-client/model-pipeline-worker.js"
    shutil.copy(worker, out)
    script = f'<script {FORMATS[format_name]}src="/app/index.js"></script>'
    ask(open_page(serve(site, out, script)), site)


#: Ways to give a worker: one that started long ago, one that is promised, and what is none.
GIVEN = """
const url = `${args.worker}/model-pipeline-worker.js`;
const start = () => new Worker(url, { type: 'module' });
const old = start();
await new Promise((resolve) => setTimeout(resolve, 1000));
const threads = {};
for (const [name, worker] of Object.entries({
  old: () => old,
  promised: async () => start(),
  missing: () => new Worker(`${args.worker}/nowhere.js`, { type: 'module' }),
  throwing: () => { throw new Error('not today'); },
})) {
  const model = await app.load(args.url, { worker });
  threads[name] = [model.info.thread, ...model.info.warnings];
  await model.dispose();
}
return threads;
"""


def test_a_worker_can_be_given(project: Path, site: Site, open_page: Open, out: Path) -> None:
    build("esbuild", project, entries=[["main.js", "index"]], out=str(out), format="esm")
    page = open_page(serve(site, out, '<script type="module" src="/app/index.js"></script>'))
    site.page.folders["/package/"] = project / "node_modules/model-pipeline-client"
    said = page.run(GIVEN, **where(site, worker="/package"))
    assert said["old"] == said["promised"] == ["worker"]
    assert said["missing"][0] == "page" and "its file is not there" in said["missing"][1]
    assert said["throwing"][0] == "page" and "not today" in said["throwing"][1]


#: An app as React's documentation has effects: in StrictMode each runs, is undone, and runs again.
REACT = """
import { createElement, StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { load } from "model-pipeline-client";

const seen = { effects: 0, models: [], errors: [], live: 0 };
const { terminate } = Worker.prototype;
const Plain = Worker;
self.Worker = function (...all) { const made = new Plain(...all); seen.live++; return made; };
Plain.prototype.terminate = function () { seen.live--; terminate.call(this); };

function App({ url }) {
  useEffect(() => {
    seen.effects++;
    const control = new AbortController();
    const loading = load(url, { signal: control.signal });
    loading.then((model) => seen.models.push(model), ({ name }) => seen.errors.push(name));
    return () => {
      control.abort();
      loading.then((model) => model.dispose(), () => {});
    };
  }, [url]);
  return null;
}

self.app = {
  seen,
  start(url) {
    const root = createRoot(document.body.appendChild(document.createElement("div")));
    root.render(createElement(StrictMode, null, createElement(App, { url })));
    return root;
  },
};
"""

STRICT = """
while (!self.app) await new Promise((resolve) => setTimeout(resolve, 50));
const { seen, start } = app;
const root = start(args.url);
const until = async (done) => {
  for (let i = 0; i < 600 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
};
await until(() => seen.models.length);
const [model] = seen.models;
const file = new Blob([Uint8Array.from(atob(args.images[0]), (char) => char.charCodeAt(0))]);
const [best] = await model.classify(file, { top: 1 });
await until(() => seen.errors.length && seen.live === 1);
const { effects, models, errors, live } = seen;
const mounted = { effects, models: models.length, errors, live, thread: model.info.thread };
root.unmount();
await until(() => !seen.live);
return { ...mounted, label: best.label, left: seen.live };
"""


def test_reacts_strict_mode(project: Path, site: Site, open_page: Open, out: Path) -> None:
    """Loaded twice, of which the first is given up; then disposed of once."""
    (project / "strict.js").write_text(REACT)
    # Its development build, which alone runs effects twice.
    build("vite", project, entry="strict.js", out=str(out), base="/app/", mode="development")
    page = open_page(serve(site, out, '<script type="module" src="/app/app.js"></script>'))
    said = page.run(STRICT, **where(site))
    assert (said["effects"], said["models"], said["errors"]) == (2, 1, ["AbortError"])
    assert (said["live"], said["thread"], said["left"]) == (1, "worker", 0)
    assert said["label"] == str(digits("test")[1][0])
