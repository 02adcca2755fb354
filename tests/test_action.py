"""The action for other repositories: its steps run here as a runner would run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

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
        files = {
            "GITHUB_OUTPUT": self.temp / "output",
            "GITHUB_STEP_SUMMARY": self.temp / "summary",
            "RUNNER_TEMP": self.temp,
            "GITHUB_ACTION_PATH": ROOT,
        }
        given = {
            variable: self.inputs[value.split("inputs.")[1].split()[0]]
            for variable, value in step.get("env", {}).items()
            if value.split("inputs.")[1].split()[1] == "}}"
        }
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            # As a runner does for `shell: bash`.
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env=os.environ
            | {name: str(file) for name, file in files.items()}
            | given
            | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        lines = (self.temp / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


def test_every_config_is_published_and_reported(tmp_path: Path) -> None:
    write_configs(tmp_path, "one", "two")
    runner = Runner(
        tmp_path, configs="one.yaml\n  two.yaml\n", **{"publish-to": "out put", "channel": "beta"}
    )
    built = runner.run("build")
    assert built.returncode == 0, built.stderr
    releases = json.loads(runner.outputs()["releases"])
    assert [one["name"] for one in releases] == ["one", "two"]
    for one in releases:
        folder = tmp_path / one["folder"]
        assert folder == tmp_path / "out put" / one["name"]
        assert (folder / "releases" / one["release"] / "manifest.json").is_file()
        assert json.loads((folder / "beta.json").read_text())["release"] == one["release"]
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
