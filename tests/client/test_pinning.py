"""A page pins a release: what is not that release is refused before anything of it is used."""

from __future__ import annotations

import base64
import html
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from client_fixtures import Site
from client_page import ScriptError, ScriptPage
from client_release import Release
from client_site import altered, answer
from test_model import CLASSIFY, where

from pipeline.publish.release import snippet

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]


def pin_of(content: bytes) -> str:
    return f"sha256-{base64.b64encode(sha256(content).digest()).decode()}"


def relabelled(content: bytes) -> bytes:
    """A manifest that calls a class something else; every file that it names is as it was."""
    manifest = json.loads(content)
    manifest["labels"][7] = "harmless"
    return json.dumps(manifest).encode()


@pytest.fixture
def manifest(published: Release) -> tuple[str, bytes]:
    """What pages load of the release: its path below the CDN folder, and its bytes."""
    pointer = json.loads((published.model / "latest.json").read_text())
    path = pointer.get("page", {}).get("path") or pointer["manifest"]
    return f"mobilenet/{path}", (published.model / path).read_bytes()


def test_an_altered_label_is_refused(
    page: ScriptPage, site: Site, manifest: tuple[str, bytes]
) -> None:
    path, content = manifest
    site.cdn.fail(f"/{path}", altered(relabelled))
    unpinned = page.run(CLASSIFY, **where(site, url=site.cdn.url(path)))
    labels = {one["label"] for found in unpinned["found"] for one in found}
    assert "harmless" in labels, "who does not pin does not see it"
    pinned = {"integrity": pin_of(content)}
    # This browser has kept the altered one, too.
    with pytest.raises(ScriptError, match="not the one that `integrity` pins") as told:
        page.run(CLASSIFY, **where(site, url=site.cdn.url(path), options=pinned))
    assert (told.value.name, told.value.code) == ("LoadError", "integrity")
    assert pin_of(relabelled(content)) in told.value.message


def test_what_is_pinned_runs_and_is_asked_for_once(
    page: ScriptPage, site: Site, manifest: tuple[str, bytes]
) -> None:
    path, content = manifest
    task = where(site, url=site.cdn.url(path), options={"integrity": pin_of(content)})
    first = page.run(CLASSIFY, **task)
    asked = len(site.cdn.seen(f"/{path}"))
    site.cdn.fail(f"/{path}", answer(503))
    assert page.run(CLASSIFY, **task)["found"] == first["found"]
    assert len(site.cdn.seen(f"/{path}")) == asked, "what never changes is not asked for again"


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_a_pinned_channel_has_to_name_that_release(
    page: ScriptPage, site: Site, manifest: tuple[str, bytes]
) -> None:
    _, content = manifest
    good = where(site, options={"integrity": pin_of(content)})
    assert len(page.run(CLASSIFY, **good)["found"]) == 8
    other = where(site, options={"integrity": pin_of(b"another")})
    # Neither the network's nor the one that is kept.
    for fault in (None, answer(503)):
        if fault:
            site.cdn.fail("*latest.json", fault)
        with pytest.raises(ScriptError) as told:
            page.run(CLASSIFY, **other)
        assert told.value.code == ("http" if fault else "integrity")


@pytest.mark.nightly  # unit/errors.test.mjs
@pytest.mark.parametrize("wrong", ["", "sha256-", "sha384-AAAA", "47DEQpj8HBSa", "sha256-%"])
def test_what_is_no_digest_pins_nothing_that_could_run(
    page: ScriptPage, site: Site, wrong: str
) -> None:
    with pytest.raises(ScriptError) as told:
        page.run(CLASSIFY, **where(site, options={"integrity": wrong}))
    assert told.value.code == "integrity"


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_a_file_that_differs_is_refused_as_ever(
    page: ScriptPage, site: Site, manifest: tuple[str, bytes], published: Release, tmp_path: Path
) -> None:
    """The pin covers the manifest, and the manifest covers the rest."""
    path, content = manifest
    entry = published.manifest["runtimes"]["tfjs-wasm"]["entry"]
    site.cdn.fail(f"/{entry}", altered(lambda code: code.replace(b"wasm", b"wosm", 1)))
    options = {"integrity": pin_of(content), "artifact": "tfjs-graph/uint8"}
    with pytest.raises(ScriptError) as told:
        page.run(CLASSIFY, **where(site, url=site.cdn.url(path), options=options))
    assert told.value.code == "nothing"
    assert [one["code"] for one in told.value.fields["tried"]] == ["integrity"]


SNIPPET = """
const code = `${args.snippet}; self.model = model;`;
await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
const { release, warnings } = model.info;
await model.dispose();
return { release, warnings };
"""


@pytest.fixture
def lines(site: Site, published: Release) -> str:
    """What a release's report shows, with the address of this CDN."""
    folder = published.model / "releases" / published.manifest["release"]
    report = (folder / "report.html").read_text()
    (shown,) = re.findall(r"<code>(import .*?)</code>", report, re.DOTALL)
    return html.unescape(shown).replace(snippet.EXAMPLE, site.cdn.address)


def test_the_lines_that_a_report_shows_load_its_release(
    page: ScriptPage, lines: str, published: Release
) -> None:
    release = published.manifest["release"]
    assert page.run(SNIPPET, snippet=lines) == {"release": release, "warnings": []}


def test_the_lines_that_a_report_shows_load_no_other(
    page: ScriptPage, lines: str, site: Site
) -> None:
    site.cdn.fail("*/releases/*.json", altered(relabelled))
    with pytest.raises(ScriptError) as told:
        page.run(SNIPPET, snippet=lines)
    assert told.value.code == "integrity"
