"""Where the client keeps files: without the Cache API, without room, without anything."""

from __future__ import annotations

from typing import Any

import pytest
from client_fixtures import Site
from client_page import ScriptPage
from client_release import Release
from nightly import nightly
from test_client_fetch import FETCH, FP32, KEPT, LOAD

pytestmark = pytest.mark.browser

NO_CACHES = """Object.defineProperty(globalThis, "caches", { value: undefined });"""
REFUSED_CACHES = """
Object.defineProperty(globalThis, "caches", { value: {
  open: () => Promise.reject(new DOMException("The operation is insecure.", "SecurityError")),
} });
"""
NO_DATABASES = """Object.defineProperty(globalThis, "indexedDB", { value: undefined });"""
#: As a browser does that grants an origin only so many bytes.
SMALL_QUOTA = """
const put = Cache.prototype.put;
Cache.prototype.put = async function (key, response) {
  let used = (await response.clone().blob()).size;
  for (const name of await caches.keys()) {
    for (const kept of await (await caches.open(name)).matchAll()) used += (await kept.blob()).size;
  }
  if (used > args.quota) throw new DOMException("Quota exceeded.", "QuotaExceededError");
  return put.call(this, key, response);
};
"""


def fetch(page: ScriptPage, site: Site, release: Release, artifact: str, **more: Any) -> Any:
    before = more.pop("before", "")
    files = release.urls(site.cdn.address, artifact)
    return page.run(before + FETCH, client=site.client, files=files, **more)


def digests(release: Release, artifact: str) -> set[str]:
    return {file["sha256"] for file in release.artifact(artifact)["files"]}


def sizes(release: Release, artifact: str) -> list[int]:
    return [file["bytes"] for file in release.artifact(artifact)["files"]]


def cached(got: Any) -> set[bool]:
    return {file["cached"] for file in got["progress"][-1]["files"]}


@pytest.mark.parametrize("before", [NO_CACHES, nightly(REFUSED_CACHES)], ids=["missing", "refused"])
def test_without_the_cache_api_databases_keep_files(
    page: ScriptPage, site: Site, published: Release, before: str
) -> None:
    got = fetch(page, site, published, FP32, before=before)
    assert (got["sizes"], got["warnings"], cached(got)) == (sizes(published, FP32), [], {False})
    page.reload()
    again = fetch(page, site, published, FP32, before=before)
    assert (again["sizes"], cached(again)) == (sizes(published, FP32), {True})
    left = """
    const { fetchFiles } = await import(args.client + "/fetch.js");
    const { evict } = await import(args.client + "/room.js");
    await evict("", new TextEncoder().encode(args.files[0].sha256));
    let state;
    await fetchFiles(args.files, { onProgress: ({ files }) => { state = files; } });
    return state.map((file) => file.cached);
    """
    files = published.urls(site.cdn.address, FP32)
    kept = page.run(left, client=site.client, files=files)
    assert kept == [index == 0 for index in range(len(files))]


@pytest.mark.nightly  # unit/storage.test.mjs
def test_without_any_storage_it_says_so(page: ScriptPage, site: Site, published: Release) -> None:
    got = fetch(page, site, published, FP32, before=NO_CACHES + NO_DATABASES)
    assert got["sizes"] == sizes(published, FP32)
    assert got["warnings"] == [
        "files are not kept for the next visit: this browser offers no storage here"
    ]
    again = fetch(page, site, published, FP32)
    assert cached(again) == {True}, "the page itself keeps them"


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_a_full_quota_makes_room_of_what_is_not_needed(
    page: ScriptPage, site: Site, published: Release
) -> None:
    fetch(page, site, published, FP32)
    quota = sum(sizes(published, FP32)) + 100_000
    got = fetch(page, site, published, "tfjs-layers/fp32", before=SMALL_QUOTA, quota=quota)
    assert (got["sizes"], got["warnings"]) == (sizes(published, "tfjs-layers/fp32"), [])
    assert set(page.run(KEPT)) == digests(published, "tfjs-layers/fp32")


@pytest.mark.nightly  # unit/fetch.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_full_quota_forgets_releases_that_were_loaded_by_other_urls(
    page: ScriptPage, site: Site, published: Release
) -> None:
    pinned = site.cdn.url(f"mobilenet/releases/{published.manifest['release']}/manifest.json")
    urls = [pinned, f"{site.latest}?v=1", f"{pinned}?v=2"]
    for url in urls:
        page.run(LOAD, client=site.client, url=url, artifact=FP32)
    files = digests(published, FP32), digests(published, "tfjs-layers/fp32")
    used = """
    let used = 0;
    for (const name of await caches.keys())
      for (const one of await (await caches.open(name)).matchAll()) used += (await one.blob()).size;
    return used;
    """
    # Nothing more fits, and all three name what is in the way.
    quota = page.run(used) + 1
    got = fetch(
        page, site, published, "tfjs-layers/fp32", before=SMALL_QUOTA, quota=quota, url=site.latest
    )
    assert got["warnings"] == []
    kept = page.run(KEPT)
    assert files[1] <= set(kept) and not files[0] & set(kept)
    assert not set(urls) & set(kept)


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_chromiums_own_quota(page: ScriptPage, site: Site, published: Release) -> None:
    """The real thing, which only this engine lets tests set."""
    tab = page.driver._page
    fetch(page, site, published, FP32)
    devtools = tab.context.new_cdp_session(tab)
    for room, left in ((1_300_000, 0), (10_000, 1)):
        override = {"origin": site.page.address, "quotaSize": room}
        devtools.send("Storage.overrideQuotaForOrigin", override)
        got = fetch(page, site, published, "tfjs-layers/fp32" if left == 0 else FP32)
        assert len(got["warnings"]) == left, got["warnings"]
        assert all(got["sizes"])
        assert not set(page.run(KEPT)) & digests(published, FP32), "no room was made"
