"""Weights that stayed float32 are told in every form of the report, with why and what they cost."""

from __future__ import annotations

from typing import Any

import click
import pytest
from manifests import manifest

from pipeline.report import terminal
from pipeline.report.markdown import markdown
from pipeline.report.page import Context, page
from pipeline.report.release import Release


def kept(count: int = 1) -> dict[str, Any]:
    """The artifact in uint8 left so many weights by their damage, and a table."""
    made = manifest()
    exact = [
        {"name": f"conv_{i}/kernel", "shape": [3, 3, 8, 8], "more_bytes": 1728, "why": "keep"}
        for i in range(count)
    ]
    exact.append({"name": "cos", "shape": [64, 33], "more_bytes": 6336, "why": "fourier"})
    made["artifacts"][2]["weights"] = {
        "codec": "uint8",
        "more_bytes": sum(one["more_bytes"] for one in exact),
        "exact": exact,
        "keep": {
            "bounds": {"relative_error": 0.05, "top1_agreement": 0.99},
            "measured": {"relative_error": 0.043, "top1_agreement": 1.0, "snr_db": 31.0},
            "samples": 64,
            "damages": {one["name"]: 0.1 for one in exact[:count]},
        },
    }
    return made


TOLD = (
    "conv_0/kernel (of the most damage) and cos (a Fourier transform's table) stayed float32: 8.1 "
    "KB more before compression; relative error 0.043, at most 0.05 and same top class 100.00%, "
    "at least 99.00%"
)


def test_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(Release(kept()))
    text = " ".join(click.unstyle(capsys.readouterr().out).split())
    assert f"tfjs-graph/uint8: {TOLD}" in text


def test_in_markdown_and_on_the_page() -> None:
    assert "conv\\_0/kernel (of the most damage) and cos" in markdown(Release(kept()))
    shown = page(Release(kept()), Context("pipeline build x.yaml"))
    assert "<h3>Weights that stayed float32</h3>" in shown
    assert TOLD.replace("'", "&#39;") in shown


def test_names_move_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    made = kept()
    made["artifacts"][2]["weights"]["exact"][0]["name"] = "a\x1b[2Jb"
    terminal.show(Release(made))
    assert "a?[2Jb (of the most damage)" in capsys.readouterr().out


def test_many_are_counted_and_none_are_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(Release(kept(9)))
    text = " ".join(capsys.readouterr().out.split())
    assert "conv_3/kernel (of the most damage) and 6 more stayed float32" in text
    made = kept()
    made["artifacts"][2]["weights"] |= {"exact": [], "more_bytes": 0}
    terminal.show(Release(made))
    assert "stayed float32" not in capsys.readouterr().out
    shown = page(Release(made), Context("pipeline build x.yaml"))
    assert "stayed float32" not in shown
