"""What searches found, in every form of the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click
import pytest
from manifests import manifest

from pipeline.artifacts.evidence import Evidence
from pipeline.report import searches, terminal
from pipeline.report.data import data
from pipeline.report.markdown import markdown
from pipeline.report.page import Context, page
from pipeline.report.release import Release
from pipeline.search.keep import KeepOptions, keep
from pipeline.search.outcome import Outcome, Trial, best_of, from_json, read

BOUND = 0.005


def trial(size: float, lost: float, recipe: dict, seconds: float = 2.0) -> Trial:
    miss = {"artifact": "tfjs-graph/uint8", "backend": "tfjs-wasm@chromium",
            "metric": "accuracy_drop", "value": lost, "bound": BOUND}  # fmt: skip
    missed = [miss] if lost > BOUND else []
    return Trial(recipe, seconds, size, quality=0.99 - lost, metric="top1_accuracy", missed=missed)


@pytest.fixture
def outcome() -> Outcome:
    tried = [
        trial(800_000, 0.0, {}),
        trial(200_000, 0.001, {"quantize": "uint8"}),
        trial(90_000, 0.02, {"quantize": {"to": "uint8", "levels": 16}}),
        trial(64_000, 0.003, {"qat": {"step": 1.5}, "quantize": "uint8"}, 40),
        Trial({"prune": {}}, 3.0, error="it has <no> layer to prune"),
        *(trial(300_000 + i, 0.0, {"prune": {"sparsity": i / 10}}) for i in range(1, 9)),
    ]
    place = {"formats": ["tfjs-graph"], "targets": ["tfjs-wasm@chromium"]}
    return Outcome(
        variant="uint8",
        minimize="wire_bytes",
        **place,
        keep={"accuracy_drop": BOUND},
        minutes=10,
        held_back=359,
        trials=tried,
        stopped="nothing better came of more combinations",
    )


def release(outcome: Outcome) -> Release:
    return Release(manifest() | {"searches": [outcome.summary()]})


def context(outcome: Outcome, tmp_path: Path) -> Context:
    """What a build leaves of a search."""
    folder = tmp_path / "kept"
    folder.mkdir()
    keep({}, KeepOptions(outcome=outcome.to_json()), folder)
    return Context(evidence=Evidence({"search uint8": folder}.get))


def test_an_outcome_reads_back(outcome: Outcome, tmp_path: Path) -> None:
    opened = context(outcome, tmp_path).evidence.open("search uint8")
    assert opened and read(opened) == outcome
    assert from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


def test_the_best_is_the_smallest_that_keeps_the_bounds(outcome: Outcome) -> None:
    assert outcome.best is outcome.trials[3]
    without = replace(outcome, trials=[outcome.trials[2], outcome.trials[4]])
    assert without.best is None
    assert without.nearest() == [outcome.trials[2]]


def test_the_front_holds_what_nothing_beats(outcome: Outcome) -> None:
    assert [t.value for t in outcome.front()] == [64_000, 200_000, 300_001]


def test_the_page_shows_candidates_and_how_to_pin(outcome: Outcome, tmp_path: Path) -> None:
    found = page(release(outcome), context(outcome, tmp_path))
    section = found.split('<section id="search"')[1].split("</section>")[0]
    assert "the fewest bytes on the wire in tfjs-graph with accuracy lost at most" in section
    assert "13 candidates in 65 s, each measured on tfjs-wasm in Chromium" in section
    first, second = section.split("<tr>")[2:4]
    assert "★" in first and "{qat: {step: 1.5}, quantize: uint8}" in first and "64.0 KB" in first
    assert "{quantize: uint8}" in second
    assert "uint8: {qat: {step: 1.5}, quantize: uint8}" in section.split("<pre")[1]
    assert "3 more candidates" in section
    assert "it has &lt;no&gt; layer to prune" in section, "nothing in a recipe or error is markup"
    assert "<svg" in section and section.count("<path") > 5
    assert '<a href="#search">' in found


def test_without_its_trials_the_page_has_no_section(outcome: Outcome) -> None:
    assert 'id="search"' not in page(release(outcome), Context())


def test_every_other_form_tells_what_was_found(
    outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    one = release(outcome)
    line = "uint8 is {qat: {step: 1.5}, quantize: uint8}, the best of 13 candidates"
    assert list(searches.lines(one)) == [line]
    assert "Found by a search" in markdown(one)
    assert data(one)["searches"] == [outcome.summary()]
    terminal.show(one)
    assert f"found by a search: {line}" in click.unstyle(capsys.readouterr().out)


def test_a_search_for_speed_and_one_without_labels_are_drawn(outcome: Outcome) -> None:
    fast = [
        replace(one, value=(one.value or 1e6) / 1e6, quality=40.0 + index, metric="snr_db")
        for index, one in enumerate(outcome.trials[:4])
    ]
    drawn = searches.chart(replace(outcome, minimize="latency", trials=fast))
    assert "float32 is 1" in drawn and "signal to noise, dB" in drawn
    assert searches.chart(replace(outcome, trials=fast[:1])) == "", "one point is no chart"


@pytest.mark.parametrize("least", [-30.0, -90.0])
def test_what_is_far_off_is_cut_off(outcome: Outcome, least: float) -> None:
    """Marks are clipped to the axes, which hold signal-to-noise ratios below 0 dB too."""
    noises = [least, -8.0, -7.0, -6.0]
    noisy = [
        replace(one, quality=noise, metric="snr_db")
        for one, noise in zip(outcome.trials, noises, strict=False)
    ]
    drawn = searches.chart(replace(outcome, trials=noisy))
    assert drawn.count("clip-path=") >= 3
    assert any(f"\u2212{tick}<" in drawn for tick in (5, 10, 20))


def test_a_ratio_that_may_be_one_is_no_gain(outcome: Outcome) -> None:
    plain = replace(outcome.trials[0], value=1.0, low=1.0, high=1.0)
    noise = replace(outcome.trials[1], value=0.99, low=0.97, high=1.01)
    faster = replace(outcome.trials[1], value=0.995, low=0.991, high=0.999)
    assert best_of([plain, noise]) is plain
    assert best_of([plain, noise, faster]) is faster


def test_what_failed_by_chance_is_tried_again(outcome: Outcome) -> None:
    lasting = replace(outcome.trials[4], lasting=True)
    assert not outcome.settled
    assert replace(outcome, trials=[outcome.trials[0], lasting]).settled


def test_a_timed_ratio_is_shown_with_its_interval(outcome: Outcome, tmp_path: Path) -> None:
    timed = [replace(outcome.trials[0], value=1.0, low=1.0, high=1.0),
             replace(outcome.trials[1], value=0.6, low=0.57, high=0.63)]  # fmt: skip
    one = replace(outcome, minimize="latency", trials=timed)
    section = page(release(one), context(one, tmp_path)).split('<section id="search"')[1]
    assert "0.60× (0.57 to 0.63)" in section and "<td>1.00×</td>" in section
    assert "the shortest time in tfjs-graph" in section
