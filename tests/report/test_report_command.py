"""``pipeline report`` as a user runs it, on published folders and on builds in a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from manifests import failed, manifest

from pipeline.build import last
from pipeline.build.result import Built
from pipeline.cli.main import main
from pipeline.engine.store import Store


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["report", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def cdn(tmp_path: Path) -> Path:
    """``stable`` is fine; ``latest`` is larger and fails in one place."""
    worse = failed() | {"release": "fedcba9876543210", "created": "2026-02-02T03:04:05+00:00"}
    worse["artifacts"][0] |= {"br_bytes": 900_000}
    for made, channel in ((manifest(), "stable"), (worse, "latest")):
        folder = tmp_path / "cdn" / "digits" / "releases" / made["release"]
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps(made))
        pointer = {"release": made["release"]}
        (tmp_path / "cdn" / "digits" / f"{channel}.json").write_text(json.dumps(pointer))
    return tmp_path / "cdn"


def test_the_latest_release_is_shown(cdn: Path) -> None:
    code, text = run("--cdn", cdn)
    assert code == 0
    assert "✗ tfjs-graph/uint8 on tfjs-webgl in Firefox" in text
    assert text.endswith("Do not ship: 1 of 5 artifacts failed.\n")


def test_markdown_and_json(cdn: Path) -> None:
    code, text = run("stable", "--cdn", cdn, "--markdown")
    assert code == 0 and text.startswith("## digits `0123456789abcdef`")
    code, text = run("0123", "--cdn", cdn, "--json")
    assert code == 0 and json.loads(text)["verdict"]["ok"] is True


def test_a_page_is_made_of_a_manifest_that_has_none(cdn: Path, tmp_path: Path) -> None:
    to = tmp_path / "made.html"
    code, text = run(cdn / "digits", "--html", to)
    assert (code, text) == (0, f"{to}\n")
    assert "Do not ship" in to.read_text()


def test_the_published_page_is_the_page(cdn: Path, tmp_path: Path) -> None:
    published = cdn / "digits" / "releases" / "0123456789abcdef" / "report.html"
    published.write_text("as it was published")
    assert run("stable", "--cdn", cdn, "--html", tmp_path / "copy.html")[0] == 0
    assert (tmp_path / "copy.html").read_text() == "as it was published"


def test_regressions_are_named_and_fail_only_if_asked_to(cdn: Path) -> None:
    code, text = run("stable", "latest", "--cdn", cdn)
    assert code == 0
    assert "digits 0123456789abcdef → digits fedcba9876543210" in text
    assert "tfjs-graph/uint8 on tfjs-webgl in Firefox: passed, and fails now" in text
    assert "802.6 KB → 900.0 KB" in text and "passed → failed" in text
    assert "speed not compared on tfjs-webgl@" in text and "software rasterizer" in text
    assert text.endswith("2 things got worse.\n")
    assert run("stable", "latest", "--cdn", cdn, "--fail-on-regression")[0] == 3
    code, text = run("latest", "latest", "--cdn", cdn, "--fail-on-regression")
    assert code == 0 and text.endswith("Nothing got worse.\n")


def test_comparisons_for_machines_and_summaries(cdn: Path) -> None:
    code, text = run("stable", "latest", "--cdn", cdn, "--json")
    told = json.loads(text)
    assert code == 0 and told["before"]["release"] == "0123456789abcdef"
    assert [one["kind"] for one in told["regressions"]] == ["bytes", "verdict"]
    code, text = run("stable", "latest", "--cdn", cdn, "--markdown")
    assert code == 0 and "**✗ 2 things got worse.**" in text
    assert "| tfjs-graph/fp32 | 802.6 KB → 900.0 KB |" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a", "b", "c"), "name one release, or two to compare"),
        (("a", "b", "--html", "x.html"), "--html and --open show one release"),
        (("a", "--html", "x.html", "--json"), "--json prints, --html and --open make a page"),
        (("a", "--fail-on-regression"), "needs two releases"),
        (("stabel",), '"stabel" is none of the releases there'),
    ],
)
def test_what_means_nothing_ends_with_2(cdn: Path, arguments: tuple[str, ...], said: str) -> None:
    code, text = run(*arguments, "--cdn", cdn)
    assert code == 2 and said in text


CONFIG = """
name: digits
license: MIT
source: {saved_model: model}
variants: {fp32: {}}
export: {onnx: {}}
"""


def test_a_configs_last_build_is_shown_though_it_failed(tmp_path: Path, proved: Any) -> None:
    (tmp_path / "model").mkdir()
    config = tmp_path / "digits.yaml"
    config.write_text(CONFIG)
    store = tmp_path / "store"
    code, text = run(config, "--store", store)
    assert code == 2 and f"run `pipeline build {config}` first" in text

    place = Store(store)
    made, context = proved
    made["artifacts"][2]["validation"][0]["status"] = "fail"
    names = ["golden", *(f"{a['id']} {p['target']}" for a in made["artifacts"]
                         for p in a["validation"] if p["status"] != "unavailable")]  # fmt: skip
    evidence = {name: place.add(context.evidence.open(name), 0.0) for name in names}
    last.remember(Built(made, {}, {"onnx/int8": "why not"}, place, "", "", evidence, "the command"))
    code, text = run(config, "--store", store)
    assert code == 0 and "Do not ship" in text

    assert run(config, "--store", store, "--html", tmp_path / "made.html")[0] == 0
    page = (tmp_path / "made.html").read_text()
    assert "the command" in page and "why not" in page and "data:image/webp" in page

    # What was cleaned away is not shown; the numbers are.
    Store(store).clean(0, dry_run=False)
    assert run(config, "--store", store, "--html", tmp_path / "made.html")[0] == 0
    page = (tmp_path / "made.html").read_text()
    assert "Do not ship" in page and "data:image/webp" not in page


def test_commands_hold_no_path_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    sets = ["variants.uint8.quantize=uint16", "publish.to=/srv/cdn"]
    inside = last.command_of(tmp_path / "configs" / "a b.yaml", sets)
    assert inside == ("pipeline build 'configs/a b.yaml' --set variants.uint8.quantize=uint16")
    # It decides what is in the release, not where that is put.
    drops = last.command_of(tmp_path / "x.yaml", ["publish.drop_dominated=true"])
    assert drops == "pipeline build x.yaml --set publish.drop_dominated=true"
    monkeypatch.chdir(tmp_path / "configs")
    assert last.command_of(tmp_path / "x.yaml") == "pipeline build x.yaml"
