"""A source that is a graph of a format's own kind is planned without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx_networks as networks
import pytest
import yaml

from pipeline.base.errors import ConfigError
from pipeline.config.file import load_config
from pipeline.plan import Plan, make_plan


def planned(folder: Path, network: Any = networks.tagger, **changes: Any) -> Plan:
    (folder / "model.onnx").write_bytes(network().SerializeToString())
    config = {
        "name": "model",
        "license": "Apache-2.0",
        "task": "tensors",
        "source": {"onnx": "model.onnx"},
        "samples": {"random": {"count": 4}},
        "variants": {"fp32": {}, "uint8": {"quantize": "uint8"}, "int8": {"quantize": "int8"}},
        "export": {"onnx": {}},
        "validate": {"backends": ["onnxruntime-cpu", "tfjs-wasm", "ort-wasm"]},
    }
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(config | changes))
    return make_plan(load_config(path))


def lanes(plan: Plan) -> set[str]:
    return {node.lane or node.function.lane for node in plan.nodes.values()}


def test_onnx_alone_needs_no_tensorflow(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert "tensorflow" not in lanes(plan)
    assert plan.nodes["package onnx/uint8"].inputs == {"model": "convert onnx"}
    assert plan.nodes["int8 onnx/int8"].inputs["model"] == "convert onnx usual"
    assert plan.nodes["golden"].inputs["frozen"] == "read"


def test_what_is_not_converted_is_told_with_its_node(tmp_path: Path) -> None:
    plan = planned(tmp_path, export={"onnx": {}, "tfjs-graph": {}})
    assert {a.id for a in plan.artifacts} == {"onnx/fp32", "onnx/uint8", "onnx/int8"}
    assert set(plan.failed) == {"tfjs-graph/fp32", "tfjs-graph/uint8"}
    lost = plan.failed["tfjs-graph/fp32"]
    assert lost.reason.endswith("com.microsoft.FastGelu at '/model/10/FastGelu'")
    assert "under source.outputs" in lost.todo
    assert "onnx alone" in lost.todo
    assert "tensorflow" not in lanes(plan)
    source = {"onnx": "model.onnx", "outputs": ["/model/9/Squeeze"]}
    cut = planned(tmp_path, export={"onnx": {}, "tfjs-graph": {}}, source=source)
    assert not cut.failed
    with pytest.raises(ConfigError, match=r"com\.microsoft\.FastGelu at '/model/10"):
        planned(tmp_path, export={"tfjs-graph": {}}, variants={"fp32": {}})


def test_both_formats_and_techniques_on_tensorflows_graph(tmp_path: Path) -> None:
    variants = {"fp32": {}, "even": {"equalize": {}}}
    formats = {"onnx": {}, "tfjs-graph": {}}
    plan = planned(tmp_path, networks.resnet, export=formats, variants=variants)
    assert plan.nodes["samples"].inputs == {"frozen": "read"}
    assert plan.nodes["convert onnx"].inputs == {"model": "read"}
    assert plan.nodes["convert onnx even"].inputs == {"frozen": "equalize even"}
    assert plan.nodes["check graph"].inputs == {"source": "pull", "golden": "golden"}
    graphs = {artifact.id: artifact.graph for artifact in plan.artifacts}
    made = {"onnx/even", "tfjs-graph/even", "tfjs-graph/fp32"}
    assert {name for name, graph in graphs.items() if graph == "check graph"} == made
    assert any("onnx/even is made of TensorFlow's graph" in note for note in plan.notes)


@pytest.mark.parametrize(
    "source",
    [
        {"hugging_face": {"repo": "someone/model", "file": "onnx/model.onnx"}},
        {"kaggle": "someone/model/onnx/small/1"},
        {"url": {"url": "https://example.org/model.onnx?x=1", "sha256": 64 * "0"}},
        {"npm_package": {"name": "model", "version": "1.0.0", "file": "model.ONNX"}},
    ],
    ids=lambda source: next(iter(source)),
)
def test_a_name_tells_what_comes(tmp_path: Path, source: dict[str, Any]) -> None:
    plan = planned(tmp_path, source=source)
    assert "read" in plan.nodes
    assert "tensorflow" not in lanes(plan)


def test_other_names_tell_nothing(tmp_path: Path) -> None:
    plan = planned(tmp_path, source={"hugging_face": "someone/model"})
    assert "freeze" in plan.nodes
    assert "read" not in plan.nodes
