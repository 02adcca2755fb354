"""What stands beside the client, in a real page: requests of its own, what is there, telemetry."""

from __future__ import annotations

import pytest
from client_fixtures import Site
from client_page import ScriptPage
from test_model import where

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

SCRIPT = """
const from = (name) => import(`${args.client}/${name}.js`);
const [{ load }, { through }, { clear, inspect }, { observed }] =
  await Promise.all(['index', 'network', 'inspect', 'events'].map(from));
const image = new Blob([Uint8Array.from(atob(args.images[0]), (char) => char.charCodeAt(0))]);
const before = await inspect(args.url);
const urls = [];
const own = (url, init) => (urls.push(url), fetch(url, init));
const events = [];
const all = observed(through(load, { fetch: own }), (event) => events.push(event));
const model = await all(args.url);
const [best] = await model.classify(image);
const { info } = model;
const after = await inspect(args.url);
await model.dispose();
await clear(args.url);
const cleared = await inspect(args.url);
await clear();
const left = await Promise.all((await caches.keys()).map(async (key) =>
  (await (await caches.open(key)).keys()).length));
return { before, after, cleared, left, urls, events, info, label: best.label };
"""


def test_what_stands_beside_works_together(page: ScriptPage, site: Site) -> None:
    said = page.run(SCRIPT, **where(site))
    before, after, info = said["before"], said["after"], said["info"]
    assert before["methods"] == ["classify"] and before["license"]
    assert (before["chosen"]["artifact"], before["chosen"]["backend"]) == (
        info["artifact"],
        info["backend"],
    )
    # Of the release only its task's code was asked for.
    assert sum(file["cached"] for file in before["chosen"]["files"]) == 1
    assert after["chosen"]["cached"] == after["chosen"]["bytes"] == info["bytes"]["total"]
    assert said["cleared"]["chosen"]["cached"] < after["chosen"]["cached"] and said["left"] == [0]

    wanted = [file["url"] for file in before["chosen"]["files"] if not file["cached"]]
    manifests = [url for url in said["urls"] if url.endswith(".json") and "/files/" not in url]
    assert sorted(said["urls"]) == sorted([*manifests, *wanted]) and len(manifests) == 2
    assert info["thread"] == "worker" and info["bytes"]["fetched"] == 0

    types = [event["type"] for event in said["events"]]
    assert types[-2:] == ["chosen", "first-answer"]
    assert types.count("download") == len(before["chosen"]["files"])
