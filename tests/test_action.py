"""The action for other repositories: its steps run here as a runner would run them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from runners import run_step

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())

#: Of ONNX alone, so that it needs neither TensorFlow nor a browser.
CONFIG = """
name: {name}
license: MIT
source: {{onnx: model.onnx}}
samples: {{random: 4}}
variants: {{fp32: {{}}}}
export: {{onnx: {{}}}}
validate: {{backends: [onnxruntime-cpu]}}
"""


def write_configs(folder: Path, *names: str) -> None:
    weights = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(weights, "w")],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), folder / "model.onnx")
    for name in names:
        (folder / f"{name}.yaml").write_text(CONFIG.format(name=name))


class Runner:
    """What a runner of GitHub's gives to steps, and keeps of them."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.folder = folder
        self.temp = folder / "temp"
        self.temp.mkdir()
        declared = ACTION["inputs"]
        self.inputs = {name: one.get("default", "") for name, one in declared.items()} | inputs

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        (step,) = (step for step in ACTION["runs"]["steps"] if step.get("name") == name)
        given = {
            variable: self.inputs[value.split("inputs.")[1].split()[0]]
            for variable, value in step.get("env", {}).items()
            if value.split("inputs.")[1].split()[1] == "}}"
        }
        return run_step(step["run"], self.folder, self.temp, **given)

    def outputs(self) -> dict[str, str]:
        lines = (self.temp / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


def test_every_config_is_published_and_reported(tmp_path: Path) -> None:
    write_configs(tmp_path, "one", "two")
    inputs = {"publish-to": "out put", "channel": "beta", "url": "https://cdn.example/models/"}
    runner = Runner(tmp_path, configs="one.yaml\n  tw*.yaml\n", **inputs)
    built = runner.run("build")
    assert built.returncode == 0, built.stderr
    releases = json.loads(runner.outputs()["releases"])
    assert [one["name"] for one in releases] == ["one", "two"]
    for one in releases:
        folder = tmp_path / one["folder"]
        assert folder == tmp_path / "out put" / one["name"]
        assert (folder / "releases" / one["release"] / "manifest.json").is_file()
        served = one["url"].removeprefix("https://cdn.example/models/")
        assert (tmp_path / "out put" / served).is_file() and served.endswith("/manifest.json")
        assert json.loads((folder / "beta.json").read_text())["release"] == one["release"]
    assert runner.outputs()["url"] == releases[0]["url"]
    assert runner.run("report").returncode == 0
    report = Path(runner.outputs()["report"]).read_text()
    assert (runner.temp / "summary").read_text() == report
    assert "one" in report and "two" in report and "Ready to ship" in report


def test_a_build_that_fails_ends_the_step(tmp_path: Path) -> None:
    write_configs(tmp_path, "one")
    runner = Runner(tmp_path, configs="one.yaml none.yaml")
    built = runner.run("build")
    assert built.returncode == 2 and "none.yaml" in built.stderr
    assert not (runner.temp / "output").exists()


def test_its_outputs_are_those_of_its_steps() -> None:
    steps = {step["id"]: step["run"] for step in ACTION["runs"]["steps"] if "id" in step}
    for name, output in ACTION["outputs"].items():
        step = output["value"].split("steps.")[1].split(".")[0]
        assert f"{name}=" in steps[step]


def test_the_recipes_name_inputs_that_there_are() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "ci.md").read_text(), re.M | re.S)
    workflow = yaml.safe_load((ROOT / ".github/workflows/models.yml").read_text())
    known = {
        "model-pipeline@COMMIT": ACTION["inputs"].keys(),
        "models.yml@COMMIT": workflow[True]["workflow_call"]["inputs"].keys(),
    }
    used = [
        (name, one["with"].keys())
        for block in blocks
        for one in uses(yaml.safe_load(block))
        for name in known
        if one["uses"].endswith(name)
    ]
    assert len(used) == 5
    assert all(given <= known[name] for name, given in used)


def uses(value: Any) -> Iterator[dict[str, Any]]:
    """All that names an action or a workflow."""
    if isinstance(value, dict) and "uses" in value:
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from uses(inner)
