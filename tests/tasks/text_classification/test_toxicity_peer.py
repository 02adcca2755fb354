"""Labels of heads of no and yes are those that the toxicity package gives of the same heads."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly

PEER = Path(__file__).with_name("peer.mjs")
LABELS = ["identity_attack", "insult", "obscene", "severe_toxicity", "sexual_explicit", "threat"]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toxicity")
    words = ("npm", "pack", "--silent", "@tensorflow-models/toxicity@1.2.2")
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


def both(package: Path, heads: dict[str, Any], threshold: float) -> dict[str, Any]:
    answer = subprocess.run(
        ["node", PEER, package],
        input=json.dumps({"heads": heads, "threshold": threshold}),
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(answer.stdout))


@pytest.mark.parametrize("threshold", [nightly(one) for one in (0.5, 0.7, 0.85, 0.95)])
def test_labels_are_the_packages(package: Path, threshold: float) -> None:
    chance = np.random.default_rng(int(1000 * threshold))
    yes = chance.uniform(0, 1, (len(LABELS), 40)).astype(np.float32)
    heads = {
        label: np.stack([1 - row, row], 1).tolist() for label, row in zip(LABELS, yes, strict=True)
    }
    said = both(package, heads, threshold)
    kinds = {label["match"] for text in said["theirs"] for label in text.values()}
    assert len(kinds) == (3 if threshold > 0.5 else 2)
    assert said["ours"] == said["theirs"]


@pytest.mark.nightly
def test_where_a_probability_is_the_threshold_the_package_is_unsure(package: Path) -> None:
    """It asks for more than the threshold; here that is enough, as for all tasks."""
    said = both(package, {"insult": [[0.25, 0.75]], "threat": [[0.75, 0.25]]}, 0.75)
    assert [one["match"] for one in said["theirs"][0].values()] == [None, None]
    assert {name: one["match"] for name, one in said["ours"][0].items()} == {
        "insult": True,
        "threat": False,
    }
