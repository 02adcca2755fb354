"""The small artifact answers, and the large one where that is unsure."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_fixtures import Site
from client_page import ScriptError, ScriptPage
from client_release import Release
from client_site import drop
from client_tiers import Manifest, break_browser, edited
from test_client_fetch import KEPT
from test_fetch_storage import SMALL_QUOTA
from test_model import CLASSIFY, pngs, where

from pipeline.bundled.digits import digits

pytestmark = pytest.mark.browser

SMALL, LARGE = "tfjs-graph/uint8", "tfjs-graph/fp32"


def cascaded(release: Release, folder: Path, threshold: float) -> Release:
    """A release with a cascade of the tests' own, whatever its calibration found."""

    def change(manifest: Manifest) -> None:
        manifest["cascade"] = {"small": SMALL, "large": LARGE, "threshold": threshold}

    return edited(release, folder, change)


def test_the_large_one_is_asked_where_the_small_one_is_unsure(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    few = {"images": pngs(40)}
    alone = {
        name: page.run(CLASSIFY, **where(site, **few, options={"artifact": name}))["found"]
        for name in (SMALL, LARGE)
    }
    sure = sorted(one[0]["score"] for one in alone[SMALL])
    threshold = sure[4]  # so that a tenth of the digits is below
    site.publish(cascaded(published, tmp_path, threshold))
    said = page.run(CLASSIFY, **where(site, **few, options={"cascade": True}))
    expected = [SMALL if one[0]["score"] >= threshold else LARGE for one in alone[SMALL]]
    assert said["artifacts"] == expected
    answered = {"small": expected.count(SMALL), "large": expected.count(LARGE)}
    assert answered["large"] == 4
    assert said["info"]["cascade"]["answered"] == answered
    assert said["info"]["artifact"] == SMALL
    for i, name in enumerate(expected):
        assert said["found"][i] == alone[name][i]


def test_its_accuracy_is_what_the_manifest_expects(
    page: ScriptPage, site: Site, published: Release
) -> None:
    """Where calibration found a cascade; its expectation has an interval."""
    cascade = published.manifest["cascade"]
    if cascade is None:
        with pytest.raises(ScriptError, match="no such cascade") as told:
            page.run(CLASSIFY, **where(site, options={"cascade": True}))
        assert told.value.code == "input"
        return
    said = page.run(CLASSIFY, **where(site, images=pngs(360), options={"cascade": True}))
    labels = [str(label) for label in digits("test")[1]]
    found = [one[0]["label"] for one in said["found"]]
    share = sum(a == b for a, b in zip(found, labels, strict=True)) / len(labels)
    expected = cascade["expected"]
    assert expected["low"] <= share <= 1
    asked = said["artifacts"].count(cascade["large"]) / len(labels)
    assert asked == pytest.approx(expected["escalated"], abs=0.05)


@pytest.mark.nightly  # unit/cascade.test.mjs
def test_the_large_one_is_fetched_only_when_it_is_asked(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    site.publish(cascaded(published, tmp_path, 0.0))
    said = page.run(CLASSIFY, **where(site, options={"cascade": True}))
    assert set(said["artifacts"]) == {SMALL}
    assert said["info"]["cascade"]["answered"] == {"small": 8, "large": 0}
    large = {file["path"] for file in published.artifact(LARGE)["files"]}
    small = {file["path"] for file in published.artifact(SMALL)["files"]}
    fetched = {request.path for request in site.cdn.seen()}
    assert not any(f"/mobilenet/{path}" in fetched for path in large - small)


@pytest.mark.nightly  # unit/cascade.test.mjs
def test_where_the_large_one_cannot_be_had_the_small_ones_answer_stands(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    site.publish(cascaded(published, tmp_path, 1.1))
    small = {file["path"] for file in published.artifact(SMALL)["files"]}
    for file in published.artifact(LARGE)["files"]:
        if file["path"] not in small:
            site.cdn.fail(f"*{file['path']}", drop)
    said = page.run(CLASSIFY, **where(site, images=pngs(1), options={"cascade": True}))
    assert said["artifacts"] == [SMALL]
    assert said["info"]["cascade"]["answered"] == {"small": 1, "large": 0}
    assert "the large artifact could not be had" in said["info"]["warnings"][0]


@pytest.mark.nightly  # unit/cascade.test.mjs
@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_the_small_one_is_not_deleted_to_make_room_for_the_large_one(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    manifest = published.manifest
    bundle, *own = manifest["runtimes"]["tfjs-wasm"]["files"]
    task = manifest["runtimes"][manifest["task"]]["files"]
    simd = [file for file in own if file["features"] == ["simd"]]
    small = published.artifact(SMALL)["files"]
    needed = sum(file["bytes"] for file in (bundle, *simd, *task, *small))
    break_browser(site.cdn, SMALL_QUOTA.replace("args.quota", str(needed + 100_000)))
    site.publish(cascaded(published, tmp_path, 1.1))
    said = page.run(CLASSIFY, **where(site, images=pngs(1), options={"cascade": True}))
    assert said["artifacts"] == [LARGE]
    assert any("not kept for the next visit" in one for one in said["info"]["warnings"])
    assert {file["sha256"] for file in (bundle, *simd, *task, *small)} <= set(page.run(KEPT))
