"""What the client fetches, keeps and says, over a network that fails as networks do.

Here is what engines differ in: how they report a broken connection, and what they keep. The rest is
tested without a browser (``unit/fetch.test.mjs``, ``unit/transport.test.mjs``).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from client_fixtures import Open, Site
from client_page import ScriptError, ScriptPage
from client_release import Release
from client_site import altered, answer, cut, delay, drop, endless, fallback, stall
from nightly import nightly

pytestmark = pytest.mark.browser

FP32 = "tfjs-graph/fp32"

#: Fetches ``args.files``; gives the bytes of each, every progress and what was warned of.
FETCH = """
const { fetchFiles } = await import(args.client + "/fetch.js");
const progress = [], warnings = [];
const options = { url: args.url ?? "https://cdn.example/mobilenet/latest.json", warnings,
                  stallMs: args.stallMs, first: args.first,
                  onProgress: (now) => progress.push(structuredClone(now)) };
const buffers = await fetchFiles(args.files, options);
return { sizes: buffers.map((one) => one.byteLength), progress, warnings };
"""

RELEASE = """
const { fetchRelease } = await import(args.client + "/fetch.js");
const { manifest, base, offline } = await fetchRelease(args.url);
return { release: manifest.release, base, offline };
"""

#: A whole load, as index.js does it: the release, an artifact's files, and then what is kept.
LOAD = """
const { fetchRelease, fetchFiles, locate, settle } = await import(args.client + "/fetch.js");
const release = await fetchRelease(args.url);
const { manifest, base, offline } = release;
const { files } = manifest.artifacts.find((one) => one.id === args.artifact);
const states = [];
await fetchFiles(locate(base, files),
                 { url: args.url, onProgress: ({ files }) => states.splice(0, 1, files) });
await settle(release);
return { release: manifest.release, offline, cached: states[0].map((file) => file.cached) };
"""

KEPT = """
const keys = [];
for (const name of await caches.keys()) {
  for (const { url } of await (await caches.open(name)).keys()) {
    keys.push(url.slice(url.indexOf("?") + 1));
  }
}
return keys;
"""


@pytest.fixture
def files(site: Site, published: Release) -> list[dict[str, Any]]:
    return published.urls(site.cdn.address, FP32)


def sizes(files: list[dict[str, Any]]) -> list[int]:
    return [file["bytes"] for file in files]


def refused(page: ScriptPage, script: str, **args: Any) -> ScriptError:
    with pytest.raises(ScriptError) as raised:
        page.run(script, **args)
    return raised.value


class Loads:
    """A page that fetches an artifact's files, again and again."""

    def __init__(self, page: ScriptPage, site: Site) -> None:
        self.page, self.site = page, site

    def fetch(self, files: list[dict[str, Any]], **args: Any) -> Any:
        return self.page.run(FETCH, client=self.site.client, files=files, **args)

    def refused(self, files: list[dict[str, Any]], **args: Any) -> ScriptError:
        return refused(self.page, FETCH, client=self.site.client, files=files, **args)

    def load(self, url: str = "", artifact: str = FP32) -> Any:
        where = {"client": self.site.client, "url": url or self.site.latest}
        return self.page.run(LOAD, **where, artifact=artifact)

    def requests(self, pattern: str = "*/files/*") -> int:
        return len(self.site.cdn.seen(pattern))


@pytest.fixture
def loads(page: ScriptPage, site: Site) -> Loads:
    return Loads(page, site)


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_files_come_in_order_with_progress(loads: Loads, files: list[dict[str, Any]]) -> None:
    got = loads.fetch(files)
    assert got["sizes"] == sizes(files) and got["warnings"] == []
    last = got["progress"][-1]
    assert last["loaded"] == last["total"] == sum(sizes(files))
    assert [file["loaded"] for file in last["files"]] == sizes(files)
    assert {file["url"] for file in last["files"]} == {file["url"] for file in files}
    loaded = [now["loaded"] for now in got["progress"]]
    assert loaded == sorted(loaded) and len(loaded) >= len(files)
    assert loads.requests() == len(files)


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_shards_are_fetched_side_by_side(loads: Loads, files: list[dict[str, Any]]) -> None:
    loads.site.cdn.fail("*/files/*", delay(2))
    loads.fetch(files)
    first = [request.at for request in loads.site.cdn.seen("*/files/*")][:6]
    assert len(first) > 1 and max(first) - min(first) < 2, "asked for before any was answered"


@pytest.mark.parametrize(
    "fault",  # of each unit/transport.test.mjs
    [nightly(answer(503)), drop, nightly(cut(0.5))],
    ids=["503", "dropped", "cut"],
)
def test_what_may_pass_is_tried_again(
    loads: Loads, files: list[dict[str, Any]], fault: Any
) -> None:
    loads.site.cdn.fail("*.bin", fault, 2)
    assert loads.fetch(files)["sizes"] == sizes(files)
    assert loads.requests() > len(files)


@pytest.mark.nightly  # unit/transport.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_a_server_says_when_to_come_back(loads: Loads, files: list[dict[str, Any]]) -> None:
    """A header that pages of another origin see only where it is exposed."""
    loads.site.cdn.fail("*.json", answer(503, {"Retry-After": "2"}), times=1)
    loads.fetch([file for file in files if file["url"].endswith(".json")])
    first, second = (request.at for request in loads.site.cdn.seen("*.json"))
    assert second - first >= 2


#: Shorter than any shard, and longer; builds of apps put comments and line breaks before.
APP = b"<!-- built for the web -->\n\n<HTML lang='en'><title>An app</title></html>"
LONG_APP = b"\n<!doctype html><title>An app</title>" + b" " * 2**20


@pytest.mark.parametrize("app", [APP, LONG_APP], ids=["short", "long"])
def test_an_apps_page_in_place_of_a_shard_is_called_that(
    loads: Loads, files: list[dict[str, Any]], app: bytes
) -> None:
    shard = max(files, key=lambda file: int(file["bytes"]))
    assert len(APP) < int(shard["bytes"]) < len(LONG_APP)
    loads.site.cdn.fail(f"*{shard['sha256']}*", fallback(app))
    error = loads.refused(files)
    assert (error.code, error.fields["url"]) == ("format", shard["url"])
    assert error.message == (
        f"{shard['url']}: the host answered with an HTML page in place of this file: it is not "
        "there, and a rewrite (a single-page app's fallback) hides that; publish the whole folder, "
        "leave it out of the host's rewrites, or publish it under another path"
    )
    # Not four times, as what is broken: once more past the browser's cache, which may hold it.
    assert loads.requests(f"*{shard['sha256']}*") == 2


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_a_kept_release_answers_where_an_apps_page_comes(
    loads: Loads, published: Release, updated: Release
) -> None:
    loads.load()
    loads.site.publish(updated)
    loads.site.cdn.fail("*/page.json", fallback(LONG_APP))
    assert loads.load()["release"] == published.manifest["release"]


def test_a_body_that_ends_early_is_a_broken_connection(
    loads: Loads, files: list[dict[str, Any]]
) -> None:
    """Cut where its end is the connection's, or by Firefox' leave, where it was compressed."""
    loads.site.cdn.fail("*.bin", altered(lambda content: content[:-1]), times=1)
    assert loads.fetch(files)["sizes"] == sizes(files)
    assert loads.requests() == len(files) + 1


@pytest.mark.nightly  # unit/transport.test.mjs
def test_an_endless_body_is_not_read_to_its_end(loads: Loads, files: list[dict[str, Any]]) -> None:
    loads.site.cdn.fail("*.json", endless)
    entry = next(file for file in files if file["url"].endswith(".json"))
    assert loads.refused([entry]).code == "integrity"
    assert loads.site.cdn.sent_bytes("*.json") < 30e6  # buffers of sockets and browsers


@pytest.mark.nightly  # unit/transport.test.mjs
def test_a_stalled_connection_counts_as_broken(loads: Loads, files: list[dict[str, Any]]) -> None:
    loads.site.cdn.fail("*.bin", stall(60), times=1)
    assert loads.fetch(files, stallMs=2500)["sizes"] == sizes(files)
    assert loads.requests() == len(files) + 1


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_what_arrived_is_never_fetched_again(loads: Loads, files: list[dict[str, Any]]) -> None:
    """A load that failed at one shard, a page reload, and a network that works again."""
    wrong = max(files, key=lambda file: int(file["bytes"]))
    loads.site.cdn.fail("*" + wrong["sha256"] + "*", cut(0.5))
    assert loads.refused(files).code == "network"
    loads.site.cdn.heal()
    loads.site.cdn.requests.clear()
    loads.page.reload()
    got = loads.fetch(files)
    assert [file["cached"] for file in got["progress"][-1]["files"]] == [
        file is not wrong for file in files
    ]
    assert [request.path.rsplit("/", 1)[1].split(".")[0] for request in
            loads.site.cdn.seen("*/files/*")] == [wrong["sha256"]]  # fmt: skip


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_an_aborted_fetch_says_so(page: ScriptPage, site: Site, published: Release) -> None:
    """Before it began, while it runs, and while it waits to try again."""
    site.cdn.fail("*.bin", stall(20))
    site.cdn.fail("*.json", answer(503, {"Retry-After": "20"}))
    script = """
    const { fetchFiles } = await import(args.client + "/fetch.js");
    const names = [];
    for (const [files, wait] of [[args.files, 0], [args.bins, 300], [args.jsons, 300]]) {
      const controller = new AbortController();
      if (wait) setTimeout(() => controller.abort(), wait); else controller.abort();
      await fetchFiles(files, { signal: controller.signal })
        .catch((error) => names.push([error.name, error instanceof DOMException]));
    }
    return names;
    """
    files = published.urls(site.cdn.address, FP32)
    bins = [file for file in files if file["url"].endswith(".bin")]
    jsons = [file for file in files if file["url"].endswith(".json")]
    names = page.run(script, client=site.client, files=files, bins=bins, jsons=jsons)
    assert names == [["AbortError", True]] * 3


def test_a_reload_asks_for_no_file(loads: Loads) -> None:
    first = loads.load()
    assert not any(first["cached"]) and first["offline"] is False
    loads.site.cdn.requests.clear()
    loads.page.reload()
    again = loads.load()
    assert all(again["cached"])
    assert [request.path for request in loads.site.cdn.seen("/mobilenet/*")] == [
        "/mobilenet/latest.json"
    ]


@pytest.mark.parametrize(
    "fault",  # of each unit/fetch.test.mjs
    [drop, nightly(answer(503)), nightly(cut(0.5))],
    ids=["unreachable", "down", "cut"],
)
def test_a_visit_without_network(loads: Loads, fault: Any) -> None:
    release = loads.load()["release"]
    loads.page.reload()
    loads.site.cdn.fail("/mobilenet/*", fault)
    again = loads.load()
    assert again == {"release": release, "offline": True, "cached": [True] * len(again["cached"])}


def test_a_second_release_costs_what_changed(
    loads: Loads, published: Release, updated: Release
) -> None:
    loads.load()
    before = {file["sha256"] for file in published.artifact(FP32)["files"]}
    after = {file["sha256"] for file in updated.artifact(FP32)["files"]}
    loads.site.publish(updated)
    loads.site.cdn.requests.clear()
    assert loads.load()["release"] == updated.manifest["release"]
    fetched = {request.path.rsplit("/", 1)[1].split(".")[0]
               for request in loads.site.cdn.seen("*/files/*")}  # fmt: skip
    assert fetched == after - before
    kept = set(loads.page.run(KEPT))
    assert after <= kept and not kept & (before - after), "the old release's files are still kept"


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_what_another_channel_needs_stays(
    loads: Loads, published: Release, updated: Release
) -> None:
    """Two pages that follow one model, of which one moves on to its second release."""
    own = loads.site.cdn.url(f"mobilenet/releases/{published.manifest['release']}/manifest.json")
    loads.load()
    assert all(loads.load(url=own)["cached"]), "each file is kept once, for whoever asks for it"
    loads.site.publish(updated)
    assert loads.load()["release"] == updated.manifest["release"]
    loads.page.reload()
    loads.site.cdn.go_offline("/mobilenet/*")
    for url, release in ((own, published), (loads.site.latest, updated)):
        again = loads.load(url=url)
        assert again["release"] == release.manifest["release"] and all(again["cached"])


def test_a_release_that_is_on_its_way_keeps_its_files(
    loads: Loads, files: list[dict[str, Any]], updated: Release
) -> None:
    """One whose manifest is not kept yet, while another makes room for its second release."""
    other = {**files[0], "url": loads.site.cdn.put("other.bin", b"other")}
    other |= {"sha256": sha256(b"other").hexdigest(), "bytes": 5}
    loads.load()
    loads.fetch([other])
    loads.site.publish(updated)
    loads.load()
    assert other["sha256"] in loads.page.run(KEPT)


def test_two_tabs_at_once(open_page: Open, site: Site) -> None:
    """Of one profile, where the engine's driver shares it; else of two."""
    one, other = open_page(), open_page()
    args = {"client": site.client, "url": site.latest, "artifact": FP32}
    for page in (one, other):
        page.start(LOAD, **args)
    assert one.result()["release"] == other.result()["release"]


def test_two_loads_at_once_in_a_page(page: ScriptPage, site: Site) -> None:
    twice = f"const load = async () => {{ {LOAD} }};\nreturn Promise.all([load(), load()]);"
    first, second = page.run(twice, client=site.client, url=site.latest, artifact=FP32)
    assert first["release"] == second["release"]


@pytest.mark.nightly  # unit/fetch.test.mjs
def test_a_channel_and_a_manifest_name_the_same(
    page: ScriptPage, site: Site, published: Release
) -> None:
    release = published.manifest["release"]
    manifest = site.cdn.url(f"mobilenet/releases/{release}/manifest.json")
    base = site.cdn.url("mobilenet/")
    own = manifest.replace("manifest.json", "page.json")
    for url in (site.latest, own, manifest):
        got = page.run(RELEASE, client=site.client, url=url)
        assert got == {"release": release, "base": base, "offline": False}
    first, _ = site.cdn.seen("*/page.json")
    (whole,) = site.cdn.seen("*/manifest.json")
    size = (published.model / "releases" / release / "page.json").stat().st_size
    assert first.sent_bytes < size / 2, "what every visitor fetches goes uncompressed"
    assert first.sent_bytes < 0.6 * whole.sent_bytes
