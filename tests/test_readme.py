"""README.md says what is so. Its configs and scripts are run by test_build.py."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml
from readme import ROOT, code

from pipeline.backends.targets import backends
from pipeline.cli.main import COMMANDS
from pipeline.config.file import load_config
from pipeline.export.contract import formats
from pipeline.measures.metrics import all_metrics
from pipeline.optimize.contract import techniques
from pipeline.samples.contract import samples_kinds
from pipeline.sources.contract import sources

KEYS = {technique.key for technique in techniques().values()}
README = (ROOT / "README.md").read_text()


def test_the_config_shown_is_the_default_one() -> None:
    committed = (ROOT / "configs" / "mobilenet.yaml").read_text()
    assert yaml.safe_load(code("yaml")[0]) == yaml.safe_load(committed)


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README


def test_the_short_config_has_ten_lines() -> None:
    assert len(code("yaml")[1].splitlines()) == 10


def test_the_search_shown_is_one(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    shown, count = re.subn(r"variants:\n( .*\n)+", code("yaml")[5], code("yaml")[1])
    assert count == 1
    (tmp_path / "config.yaml").write_text(shown)
    variants = load_config(tmp_path / "config.yaml").variants
    assert variants["small"].search.minimize == "wire_bytes"
    assert variants["quick"].search.on == "tfjs-wasm@chromium"


def test_the_region_shown_is_that_of_the_config() -> None:
    config = (ROOT / "configs" / "facemesh.yaml").read_text()
    assert yaml.safe_load(code("yaml")[4]).items() <= yaml.safe_load(config).items()


def test_the_detector_shown_is_one(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "config.yaml").write_text(code("yaml")[1] + code("yaml")[2])
    purpose = load_config(tmp_path / "config.yaml").purpose
    assert (purpose.name, purpose.labels) == ("object-detection", ["face"])
    assert purpose.about().options.nms.kind == "weighted"


def test_the_pose_estimator_shown_is_one(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "config.yaml").write_text(code("yaml")[1] + code("yaml")[3])
    purpose = load_config(tmp_path / "config.yaml").purpose
    assert (purpose.name, purpose.about().options.points.order) == ("pose-estimation", "xyzvp")


def test_techniques_shown_in_the_table_are_taken() -> None:
    rows = README.partition("A variant is a chain")[2].partition("```yaml")[0]
    shown = [one for one in re.findall(r"`([a-z]+: [^`…]+)`", rows) if one.split(":")[0] in KEYS]
    assert len(shown) >= 8
    for one in shown:
        load_config(ROOT / "configs" / "mobilenet.yaml", [f"variants.uint8={{{one}}}"])


def test_make_has_every_target_named() -> None:
    targets = set(re.findall(r"(?:`|\$ )make ([a-z]+)", README))
    assert {"build", "test", "bench"} <= targets
    for target in targets:
        command = ["make", "--dry-run", "--silent", target]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def test_every_command_named_exists() -> None:
    for name in re.findall(r"`pipeline (\w+)", README):
        assert name in COMMANDS


def test_the_table_lists_every_metric_that_a_gate_can_bound() -> None:
    (row,) = re.findall(r"^\| gates \| (.*?)\. By", README, re.MULTILINE)
    listed = {kind: re.findall(r"`(\w+)`", names) for kind, names in re.findall(KINDS, row)}
    gates = {name: metric for name, metric in all_metrics().items() if metric.gate}
    assert sorted(name for names in listed.values() for name in names) == sorted(gates)
    assert all(gates[name].of in ("time", "size") for name in listed["cost"])
    assert all(gates[name].of == "outputs" for name in listed["errors"])


KINDS = r"(\w+): ([^;]*)"


def test_every_kind_is_listed() -> None:
    for kind in sources():
        assert f"`{{{kind}: " in README, kind
    for kind in (*samples_kinds(), *formats()):
        assert f"`{kind}`" in README, kind
    for name in backends():
        assert f"`{name}`" in README, name
    for name in techniques():
        assert name in README, name
