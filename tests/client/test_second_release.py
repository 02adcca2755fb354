"""What a returning visitor fetches where only the classifier's head was trained again.

Where shards end is in ../weights/test_sharding.py, what the client makes of it in
test_client_fetch.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from client_release import Release

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from wire import Published, again, updates

pytestmark = pytest.mark.nightly


def weights(release: Release, name: str) -> list[str]:
    files = release.artifact(name)["files"]
    return [file["sha256"] for file in files if file["path"].endswith(".bin")]


@pytest.mark.parametrize("name", ["tfjs-graph/fp32", "tfjs-layers/fp32", "onnx/fp32"])
def test_every_shard_but_the_heads_keeps_its_url(
    published: Release, retrained: Release, name: str
) -> None:
    before, after = weights(published, name), weights(retrained, name)
    assert len(before) > 2
    assert after[:-1] == before[:-1] and after[-1] != before[-1]


def test_it_costs_less_than_a_seventh_of_the_bytes(published: Release, retrained: Release) -> None:
    first, second = (Published.latest(one.model) for one in (published, retrained))
    found = {one.artifact: one for one in updates(first, second)}
    assert {"tfjs-graph/uint8", "onnx/fp32", "tfjs-layers/fp32"} <= found.keys()
    assert all(0 < one.share < 0.15 for one in found.values())
    # Cut without regard to layers, all of a model of this size is in one file.
    whole = [one.fetched_in_pieces("tfjs-graph/uint8", 2**22) for one in (first, second)]
    assert again(*whole) > 0.9 * sum(whole[0].values())
