"""Each form of the report calls what a task measures by its own words, in its own unit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from manifests import manifest

from pipeline.report import compare, searches, terminal
from pipeline.report.markdown import markdown
from pipeline.report.page import Context, page
from pipeline.report.quality import size_against_quality
from pipeline.report.release import Release
from pipeline.report.summary import summarize
from pipeline.search.outcome import Outcome, Trial
from pipeline.search.trial import quality_of


@pytest.fixture
def far(distance: str) -> dict[str, Any]:
    """A release whose artifacts are some pixels off, the first one least."""
    record = manifest()
    record["accuracy"] = {"metric": distance, "value": 3.0, "samples": 360, "low": 2.5, "high": 3.6}
    for place, artifact in enumerate(record["artifacts"]):
        own = {"value": 3.21 + 100 * place, "low": 3.0 + 100 * place, "high": 3.5 + 100 * place}
        artifact["accuracy"] = {**record["accuracy"], **own, "baseline": 3.0}
        for proof in artifact["validation"]:
            if proof.get("accuracy"):
                proof["accuracy"] = {**record["accuracy"], **own}
                proof["gates"] = {"accuracy_drop": 12.5}
    return record


def test_a_terminal_and_markdown(far: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    release = Release(far)
    terminal.show(release)
    shown = capsys.readouterr().out
    assert "mean distance" in shown.splitlines()[0] and "3.21 px" in shown and "103 px" in shown
    assert "source: mean distance 3 px on 360 samples, 95 % interval 2.5 px to 3.6 px\n" in shown
    written = markdown(release) + compare.in_markdown(release, release, [])
    assert written.count("| Mean distance |") == 2 + (len(release.groups) - 1)
    assert "mean distance 3 px on 360 samples." in written
    assert "ccuracy" not in shown + written


def test_a_page(far: dict[str, Any]) -> None:
    shown = page(Release(far), Context())
    assert "Source’s mean distance</dt><dd>3 px" in shown
    assert '<td class="last" data-name="mean distance">3.21 px (3 px to 3.5 px)</td>' in shown
    assert "mean distance added" in shown and "at most 12.5 px" in shown
    assert "mean distance, px" in shown, "the chart's axis"
    (best,) = [p for p in summarize(Release(far)).picks if p.kind == "smallest"][:1]
    assert re.search(r"Mean distance [\d.]+ px on 360 samples, the source 3 px\.", best.reason)
    assert "ccuracy" not in shown


def test_in_charts_what_is_nearer_is_higher(far: dict[str, Any], distance: str) -> None:
    drawn = size_against_quality(Release(far), 400, 300)
    heights = {
        int(text): float(y)
        for y, text in re.findall(r"<text[^>]*translate\([-\d.]+,([\d.]+)\)[^>]*>(\d+)<", drawn)
    }
    assert heights[0] < heights[100], "0 px above 100 px: y grows downwards"
    trials = [trial(distance, size, off) for size, off in ((9000, 3.0), (3000, 4.0), (1000, 99.0))]
    assert [t.quality for t in outcome(trials).front()] == [99.0, 4.0, 3.0]
    assert searches.chart(outcome(trials)).startswith("<svg")


def trial(metric: str, size: float, off: float) -> Trial:
    return Trial({}, 1.0, size, quality=off, metric=metric)


def outcome(trials: list[Trial]) -> Outcome:
    places = {"formats": ["onnx"], "targets": ["onnxruntime-cpu"], "held_back": 9, "stopped": ""}
    return Outcome("uint8", "bytes", **places, keep={}, minutes=1, trials=trials)


def test_a_search_goes_by_what_the_task_measures(distance: str) -> None:
    parity = {"snr_db": 250.0, "top5_agreement": None, "top1_agreement": 0.9}
    off = {"metric": distance, "value": 12.5}
    assert quality_of({"accuracy": off, "parity": parity}) == (distance, 12.5)
    assert quality_of({"accuracy": None, "parity": parity}) == ("top1_agreement", 0.9)
    assert quality_of({"accuracy": None, "parity": {"snr_db": 250.0}}) == ("snr_db", 200.0)
