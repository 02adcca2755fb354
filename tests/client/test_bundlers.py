"""The packed client in what users' bundlers make of it: a runtime starts, in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bundler_project import build, install, page_html, vite_server
from client_fixtures import Open, Site
from client_page import ScriptPage
from test_model import where

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

WORKER_FILE = "*model-pipeline-worker*"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("project"))


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


@pytest.fixture(params=["the page's origin", "another origin"])
def base(request: pytest.FixtureRequest, site: Site) -> str:
    """Where a bundler is told that its output will lie."""
    return (site.cdn if request.param == "another origin" else site.page).url("app/")


def test_webpack(project: Path, site: Site, open_page: Open, out: Path, base: str) -> None:
    said = build("webpack", project, entry="./main.js", out=str(out), base=base)
    assert said == {"errors": [], "warnings": []}
    ask(open_page(serve(site, out, f'<script src="{base}app.js" crossorigin></script>')), site)
    assert (site.page.seen("/app/*") or site.cdn.seen("/app/*"))


def test_vite(project: Path, site: Site, open_page: Open, out: Path, base: str) -> None:
    build("vite", project, entry="main.js", out=str(out), base=base)
    ask(open_page(serve(site, out, f'<script type="module" src="{base}app.js"></script>')), site)


def test_vites_development_server(project: Path, site: Site, open_page: Open) -> None:
    (project / "index.html").write_text(page_html('<script type="module" src="/main.js"></script>'))
    page = open_page()
    with vite_server(project) as address:
        page.driver.load(f"{address}/")
        ask(page, site)


@pytest.mark.parametrize("format_name", ["esm", "iife"])
def test_esbuild_alone_knows_no_worker(project, site, open_page, out, format_name) -> None:
    entries = [["main.js", "index"]]
    build("esbuild", project, entries=entries, out=str(out), format=format_name)
    kind = 'type="module" ' if format_name == "esm" else ""
    page = open_page(serve(site, out, f'<script {kind}src="/app/index.js"></script>'))
    info = ask(page, site, thread="page")
    print(info["warnings"])
