from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.base import registry
from pipeline.base.errors import ConfigError
from pipeline.config import gates, problems, schema
from pipeline.config.config import Config
from pipeline.config.file import load_config
from pipeline.config.type import config_type
from pipeline.measures import words
from pipeline.measures.bounds import gates_type
from pipeline.measures.metrics import GENERAL, all_metrics, metric_of, of_tasks
from pipeline.measures.miss import Miss
from pipeline.tasks.find import tasks as tasks_known

TASK = """
from pipeline.base.options import NoOptions
from pipeline.measures.metric import Limits, Metric
from pipeline.tasks.contract import Task

OVERLAP = Metric(
    "box_overlap",
    "overlap of boxes",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits("Smallest overlap with the golden's boxes.", least=0, most=1),
    interval="share",
)

TASK = Task("boxes", NoOptions, metrics=(OVERLAP,))
"""

CONFIG = """
name: toy
license: MIT
source: {bundled: mobilenet_digits}
variants: {fp32: {}}
export: {onnx: {}}
validate: {gates: {default: {%s}}}
"""


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A task that stands in a folder of its own, and brings a metric."""
    from pipeline import tasks

    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes/__init__.py").write_text(TASK)
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    known = (
        registry.discover,
        tasks_known,
        of_tasks,
        all_metrics,
        gates_type,
        config_type,
        problems._schema,
    )

    def forget() -> None:
        for found in known:
            found.cache_clear()
        for model in (gates.Validate, Config):
            model.model_rebuild(force=True)

    forget()
    yield
    monkeypatch.undo()
    forget()


def config(folder: Path, bounds: str) -> Path:
    (folder / "toy.yaml").write_text(CONFIG % bounds)
    return folder / "toy.yaml"


@pytest.mark.usefixtures("task")
def test_a_tasks_metric_can_be_bounded_and_told(tmp_path: Path) -> None:
    read = load_config(config(tmp_path, "box_overlap: 0.9"))
    assert read.validate_.gates == {"default": {"box_overlap": 0.9}}
    assert str(Miss("onnx/fp32", "ort-wasm", "box_overlap", 0.5, 0.9)).endswith(
        "box_overlap 0.5, must be >= 0.9"
    )
    assert words.metric("box_overlap") == "overlap of boxes"
    assert words.bound("box_overlap", 0.9) == "at least 90.00%"
    assert [*of_tasks()["boxes"]] == ["box_overlap"]
    assert "Smallest overlap with the golden's boxes." in schema.text()


@pytest.mark.usefixtures("task")
def test_its_range_holds(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"box_overlap must be at most 1\.0 "):
        load_config(config(tmp_path, "box_overlap: 2"))


def test_a_wrong_bound_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(config(tmp_path, "cosin: 0.9, snr_db: 999, bytes: 1.5, portable: 7"))
    said = str(error.value)
    assert 'toy.yaml:7: validate.gates.default.cosin is not a key here; did you mean "cosi' in said
    assert "validate.gates.default.snr_db must be at most 200.0 (it is 999)" in said
    assert "validate.gates.default.bytes must be a whole number" in said
    assert "validate.gates.default.portable must be true or false" in said


def test_bounds_that_are_no_mapping_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gates\.default must be a mapping of keys to values"):
        load_config(config(tmp_path, ""), ["validate.gates.default=[1]"])


def test_what_a_config_sets_to_null_is_no_bound(tmp_path: Path) -> None:
    read = load_config(config(tmp_path, "cosine: null, top1_agreement: 1"))
    assert read.validate_.gates == {"default": {"top1_agreement": 1.0}}


def test_names_are_unique_and_in_the_order_of_what_is_measured() -> None:
    known = all_metrics()
    assert GENERAL.keys() < known.keys()
    kinds = [metric.of for metric in known.values()]
    assert list(dict.fromkeys(kinds)) == [
        *("outputs", "answers", "truth", "artifact", "time", "size")
    ]


def test_a_metric_of_another_version_is_told_all_the_same() -> None:
    assert metric_of("never_heard").words == "never heard"
    assert str(Miss("a", "b", "never_heard", 2, 1)) == "a on b: never_heard 2, must be <= 1"
