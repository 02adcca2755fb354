"""Cascades in every form of the report."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from manifests import cascade, manifest

from pipeline.artifacts.evidence import Evidence
from pipeline.report import cascades, terminal
from pipeline.report.data import data
from pipeline.report.markdown import markdown
from pipeline.report.page import Context, page
from pipeline.report.release import Release
from pipeline.validate.confidence import Confidence

SMALL, LARGE = "tfjs-graph/uint8", "tfjs-graph/fp32"
COUNT = 200


def release() -> Release:
    made = manifest(cascade=cascade(SMALL, LARGE))
    for artifact in made["artifacts"]:
        for proof in artifact["validation"]:
            proof |= {"partial": False, "worst": []}
    return Release(made)


@pytest.fixture
def evidence(tmp_path: Path) -> Context:
    """The small one is wrong on every twentieth sample, and less sure there."""
    labels = np.arange(COUNT) % 3
    sure = np.linspace(0.99, 0.8, COUNT, dtype=np.float32)
    wrong = np.where(np.arange(COUNT) % 20 == 19, (labels + 1) % 3, labels).astype(np.int32)
    sure[19::20] -= 0.3
    said = {
        "golden": labels.astype(np.int32),
        f"{SMALL} tfjs-wasm@chromium": wrong,
        f"{LARGE} tfjs-wasm@chromium": labels.astype(np.int32),
    }
    for name, classes in said.items():
        (tmp_path / name).mkdir(parents=True)
        right = classes == labels
        Confidence(classes, sure, right, "top1_accuracy").write(tmp_path / name)

    def opened(name: str) -> Path | None:
        return tmp_path / name if (tmp_path / name).exists() else None

    return Context(evidence=Evidence(opened))


def test_the_page_shows_it_with_its_curve(evidence: Context) -> None:
    found = page(release(), evidence)
    section = found.split('<section id="cascade"')[1].split("</section>")[0]
    assert f"{SMALL}, then {LARGE} where it is less than 90.00% sure" in section
    assert "97.00% to 99.80%" in section
    assert "tfjs-wasm in Firefox" in section and "0.70×" in section
    assert "samples asked again" in section and "<svg" in section
    assert 'href="#cascade"' in found


def test_the_curve_is_that_of_the_judged_samples(evidence: Context) -> None:
    (one,) = cascades.cascades(release())
    points = cascades.curve(release(), one, evidence.evidence)
    assert points[0][0] == 0 and points[0][1] < 1
    assert points[-1] == (1, 1)
    assert len(points) == COUNT // 2 + 1
    # The unsure ones are the wrong ones.
    assert next(asked for asked, right in points if right == 1) < 0.1


def test_without_the_proofs_there_are_numbers_and_no_chart() -> None:
    found = page(release(), Context())
    section = found.split('<section id="cascade"')[1].split("</section>")[0]
    assert "99.00%" in section and "<svg" not in section


def test_a_release_without_one_has_no_section() -> None:
    found = page(Release(manifest(cascade=None, cascade_reason="too few samples")), Context())
    assert 'id="cascade"' not in found and 'href="#cascade"' not in found


def test_one_line_in_a_terminal_and_in_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(release())
    lines = " ".join(click.unstyle(capsys.readouterr().out).split())
    told = "99.00% accuracy, 10.00% asked again, 0.25× the bytes before that and 0.70× the time"
    assert f"cascade {SMALL}, then {LARGE} where it is less than 90.00% sure: {told}" in lines
    assert f"- Cascade: {SMALL}, then {LARGE}" in markdown(release())
    assert told in markdown(release())


def test_agreement_is_called_so_and_what_was_not_timed_is_not_told() -> None:
    one = cascade(SMALL, LARGE, metric="top1_agreement", latency_ratio=None, latency_target=None)
    assert cascades.expected_in_words(one).startswith("99.00% agreement with the source")
    assert "time" not in cascades.expected_in_words(one)
    assert "time" not in " ".join(label for label, _ in cascades.rows(one))


def test_others_follow_the_best() -> None:
    best = cascade(SMALL, LARGE) | {"others": [cascade("onnx/fp16", "onnx/fp32")]}
    found = cascades.cascades(Release(manifest(cascade=best)))
    assert [one["small"] for one in found] == [SMALL, "onnx/fp16"]


def test_machines_read_it_whole() -> None:
    read = json.loads(json.dumps(data(release())))
    assert read["cascade"] == cascade(SMALL, LARGE)
