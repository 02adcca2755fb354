from __future__ import annotations

import re

from manifests import failed, manifest

from pipeline.report.markdown import markdown, text
from pipeline.report.release import Release


def rows(told: str) -> list[list[str]]:
    lines = [line for line in told.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_a_summary_has_verdict_tables_and_what_to_ship() -> None:
    told = markdown(Release(manifest()))
    assert told.startswith("## digits `0123456789abcdef`\n\n**✓ Ready to ship.")
    assert "- – tfjs-webgpu in WebKit: WebKitGTK has no navigator.gpu (not required)" in told
    cells = rows(told)
    uint8 = next(row for row in cells if row[0] == "✓ tfjs-graph/uint8")
    assert uint8[1:4] == ["238.1 KB", "98.00%", "0.17"]
    assert uint8[4:] == [*["✓ 1.5 ms"] * 3, *[r"✓ 20.0 ms\*"] * 5, "–"]
    assert cells[-2][:2] == ["TensorFlow.js", "**tfjs-graph/uint8** 238.1 KB"]
    assert "software rasterizer" in told
    assert len(told) < 4000


def test_every_row_has_its_tables_columns() -> None:
    for block in markdown(Release(failed())).split("\n\n"):
        widths = {len(row) for row in rows(block)}
        assert len(widths) <= 1


def test_failures_come_before_the_tables() -> None:
    told = markdown(Release(failed()))
    assert "**✗ Do not ship: 1 of 5 artifacts failed.**" in told
    failure = "- ✗ tfjs-graph/uint8 on tfjs-webgl in Firefox: same top class 91.00%, at least"
    assert told.index(failure) < told.index("| Artifact")


def test_markup_in_names_is_text() -> None:
    assert text("a|b\n`c` <img src=x> [d](e) @team") == (
        r"a\|b \`c\` \<img src=x\> \[d\](e) \@team"
    )
    told = markdown(Release(manifest(name="<script>|x|")))
    assert told.startswith(r"## \<script\>\|x\| ")
