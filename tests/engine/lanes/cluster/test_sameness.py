from __future__ import annotations

from importlib.metadata import version

from pipeline.engine.lanes.cluster.members import same
from pipeline.engine.lanes.cluster.sameness import differences, installed


def test_what_decides_results_is_named() -> None:
    versions = installed()
    assert versions["numpy"] == version("numpy")
    assert {"onnxruntime", "Python", "this package's code", "packages of pages"} <= {*versions}
    assert versions == installed()


def test_differences_are_named_and_not_all_of_many() -> None:
    here = {"numpy": "2.1", "onnx": "1.19", "a": "1", "b": "1", "c": "1"}
    assert differences(here, dict(here)) == ""
    assert differences(here, {**here, "numpy": "2.2"}) == "numpy 2.2, not 2.1"
    assert differences(here, {**here, "new": "1"}) == "new 1, not none"
    assert differences(here, {}).endswith("and 2 more")


def test_only_the_same_versions_on_the_same_store_are_the_same() -> None:
    assert same({"numpy": "1"}, "store") == same({"numpy": "1"}, "store")
    names = {same({"numpy": v}, store) for v in "12" for store in ("a", "b")}
    assert len(names) == 4
