"""Pages that restrict what they run: what works, what does not, and that it says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from client_fixtures import Open, Site
from client_page import HTML, ScriptError
from client_release import Release
from client_site import Posted
from test_model import CLASSIFY, where

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

#: The tests' own script is a text, which such pages refuse, too.
ALLOWED = '<script>trustedTypes.createPolicy("default", { createScript: String })</script>'

TRUSTED = f"""
const policy = trustedTypes.createPolicy('model', {{ createScriptURL: (url) => url }});
const worker = () => new Worker(
  policy.createScriptURL('/client/index.js'), {{ type: 'module', name: 'model-client' }});
args.options = {{ worker }};
{CLASSIFY}
"""


def strict(site: Site, policy: str, head: str = "") -> str:
    site.page.put("/strict", head + HTML)
    site.page.extra_headers["/strict"] = {"Content-Security-Policy": policy}
    return "/strict"


def test_trusted_types(site: Site, open_page: Open, published: Release, tmp_path: Path) -> None:
    """Without a word of the page it runs there; with a worker by the page's policy in that."""
    page = open_page(strict(site, "require-trusted-types-for 'script'", ALLOWED))
    plain = page.run(CLASSIFY, **where(site))
    assert plain["info"]["thread"] == "page" and len(plain["found"]) == 8
    (warning,) = plain["info"]["warnings"]
    assert "no worker could start" in warning and "TrustedScriptURL" in warning
    shutil.copytree(published.cdn / "client", tmp_path / "client")
    site.page.folders["/client/"] = tmp_path / "client"
    given = page.run(TRUSTED, **where(site))
    assert given["info"]["thread"] == "worker" and given["info"]["warnings"] == []
    assert given["found"] == plain["found"]


def test_a_policy_without_the_cdn_is_a_network_error(site: Site, open_page: Open) -> None:
    """Browsers do not tell a page which of the two it was; the client's README lists both."""
    page = open_page(strict(site, "connect-src 'self'"))
    with pytest.raises(ScriptError) as told:
        page.run(CLASSIFY, **where(site))
    assert (told.value.name, told.value.code) == ("LoadError", "network")
    assert site.latest in told.value.message


#: A script of the page's own, since texts do not run here; it sends what it found.
APP = """
const {{ load }} = await import("{client}/index.js");
const said = await load("{latest}").then(
  (model) => ({{ info: model.info }}),
  ({{ name, code, message }}) => ({{ name, code, message }}),
);
fetch("/said", {{ method: "POST", body: JSON.stringify(said) }});
"""


def said(site: Site, open_page: Open, policy: str) -> dict[str, Any]:
    """What loading gives under a policy that runs no texts."""
    site.page.put("app.js", APP.format(client=site.client, latest=site.latest))
    posted = Posted()
    site.page.fail("/said", posted.take, times=1)
    page = '<!doctype html><title>strict</title><script type="module" src="/app.js"></script>'
    site.page.put("/strict", page)
    site.page.extra_headers["/strict"] = {"Content-Security-Policy": policy}
    open_page("/strict")
    assert posted.came.wait(120), "the page said nothing"
    return dict(json.loads(posted.body))


def test_without_webassembly_it_says_what_refuses_it(site: Site, open_page: Open) -> None:
    scripts = f"script-src 'self' blob: {site.cdn.address}"
    found = said(site, open_page, f"{scripts}; worker-src blob:")
    assert (found["name"], found["code"]) == ("ModelError", "nothing")
    assert "Content Security Policy" in found["message"]
    found = said(site, open_page, f"{scripts} 'wasm-unsafe-eval'; worker-src blob:")
    assert (found["info"]["thread"], found["info"]["warnings"]) == ("worker", [])
