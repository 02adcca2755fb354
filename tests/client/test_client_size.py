"""What a page pays for the client, before any runtime or model."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import brotli
import pytest
from client_fixtures import Site
from client_page import ScriptPage
from client_release import Release
from test_model import CLASSIFY, where

from pipeline.publish.delivery.client import APART, IMPORTED

pytestmark = pytest.mark.browser

#: Bytes after brotli of all that a page fetches of the client: 6 KB, as the project's plan has it.
MOST = 6 * 1024
#: Bytes after brotli of a task's code and its input's, which a release brings as it brings the
#: runtimes: both keep their names, so that any client asks any task in one way. Every release has
#: colour orders, layouts, mean and std, and what callers may ask for, regions and pictures by URL
#: (1.3 KB); fits and other ways to resize only those that use them.
MOST_TASK = 3_800


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_what_a_page_fetches_of_the_client_is_small(page: ScriptPage, site: Site) -> None:
    """A plain ``load`` and ``classify`` whose every request is seen, also its worker's."""
    page.run(CLASSIFY, **where(site))
    paths = {urlsplit(request.path).path.lstrip("/") for request in site.cdn.seen()}
    release = re.compile(r"mobilenet/(latest\.json|releases/.*|files/.*)|runtimes/.*")
    fetched = sorted(path for path in paths if not release.fullmatch(path))
    assert fetched == ["client/index.js"], "page and worker share one file, and nothing else comes"
    assert sum(_brotli(site, path) for path in fetched) < MOST


def _brotli(site: Site, path: str) -> int:
    file = site.cdn.find(f"/{path}.br")
    assert file, f"{path} is not published compressed"
    return file.stat().st_size


def test_a_tasks_code_comes_with_the_release_and_is_small(published: Release) -> None:
    code = published.manifest["runtimes"][published.manifest["task"]]
    (file,) = code["files"]
    assert file["path"] == code["entry"]
    # As a release for a CDN compresses it; that of a test is compressed in a hurry.
    assert len(brotli.compress((published.cdn / file["path"]).read_bytes())) < MOST_TASK


def test_what_few_visitors_need_is_apart_and_published(published: Release) -> None:
    folder = published.cdn / "client"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.js")}
    top = {name for name in names if "/" not in name}
    assert top == {*APART, *IMPORTED, "index.js"}
    # Nothing that it may ask for later is missing, and nothing else is there.
    asked = set(re.findall(r'import\("\./([^"]+)"\)', (folder / "index.js").read_text()))
    assert asked == set(APART)
