"""Progress never runs backwards, and ends at 1, whatever a network does meanwhile."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from client_fixtures import Site
from client_page import ScriptPage
from client_release import Release
from client_site import altered, answer, cut, drop, flip
from client_tiers import edited
from test_model import where
from test_tiers import UINT8, wrong_canary

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

SHARES = """
for (const name of await caches.keys()) await caches.delete(name);
const { load } = await import(`${args.client}/index.js`);
const shares = [], files = [];
const onProgress = (now) => {
  shares.push(now.loaded / now.total);
  files.push(now.files.every(({ loaded, total }) => loaded <= total));
};
const model = await load(args.url, { onProgress });
const { tried, bytes } = model.info;
await model.dispose();
return { shares, bounded: files.every(Boolean), tried: tried.length, bytes };
"""

#: What passes, and how often at most, so that a load goes on.
FAULTS = [
    (drop, 2),
    (cut(0.3), 2),
    (cut(0.9), 2),
    (answer(500), 2),
    (answer(429, {"Retry-After": "0"}), 2),
    (flip, 1),
    (altered(lambda content: content + bytes(9000)), 1),
    (altered(lambda content: content[:-1]), 1),
]


@pytest.mark.nightly  # unit/session.test.mjs
@pytest.mark.parametrize("seed", range(4))
def test_progress_is_monotone_over_faults_and_tiers(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path, seed: int
) -> None:
    """Every second load's first artifact answers its canary wrongly, once all of it has come."""
    drops = seed % 2
    if drops:
        site.publish(edited(published, tmp_path, wrong_canary(UINT8)))
    chance = random.Random(seed)
    for file in published.cdn.glob("mobilenet/files/*"):
        if file.suffix in (".bin", ".json") and chance.random() < 0.5:
            fault, most = chance.choice(FAULTS)
            site.cdn.fail(f"*/{file.name}", fault, chance.randint(1, most))
    said = page.run(SHARES, **where(site))
    shares = said["shares"]
    # A share of bytes is a quotient: the last bit of one is no step.
    assert all(after >= before - 1e-12 for before, after in pairwise(shares))
    assert shares[-1] == pytest.approx(1, abs=1e-12) and said["bounded"]
    assert said["tried"] >= drops
    assert said["bytes"]["fetched"] + said["bytes"]["cached"] == said["bytes"]["total"]
