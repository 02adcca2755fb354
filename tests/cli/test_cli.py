from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click import Context
from click.testing import CliRunner

from pipeline.base.errors import PipelineError
from pipeline.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[2]
MOBILENET = ROOT / "configs" / "mobilenet.yaml"
PIPELINE = Path(sys.executable).with_name("pipeline")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_a_place_in_the_readme(name: str) -> None:
    command = main.get_command(Context(main), name)
    assert command
    code, text = run(name, "--help")
    assert code == 0
    assert "Example" in text
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name}"
    assert f"pipeline {name}" in (ROOT / "README.md").read_text()


def test_bad_configs_end_with_2_before_any_work(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\n")
    code, text = run("build", str(MOBILENET), str(bad), "--store", str(tmp_path / "store"))
    assert code == 2
    assert f'{bad}:1: needs the key "license"' in text
    assert not (tmp_path / "store" / "steps").exists()


def test_a_missing_config_is_said_in_a_line(tmp_path: Path) -> None:
    code, text = run("build", "configs/mobilnet.yaml")
    assert code == 2
    assert "there is no such config" in text


def test_plan_as_json() -> None:
    code, text = run("plan", "--no-model", str(MOBILENET), "--json")
    plan = json.loads(text)
    assert code == 0
    assert "onnx/int8" in {a["id"] for a in plan["artifacts"]}
    assert plan["left_out"][0]["id"] == "tfjs-graph/int8"
    assert {step["id"] for step in plan["steps"]} >= {"pull", "freeze", "golden", "manifest"}


def test_plan_says_what_is_left_out_and_why() -> None:
    _, text = run("plan", "--no-model", str(MOBILENET))
    assert "left out tfjs-graph/int8: TF.js has no quantized operators" in text


def test_plan_says_what_is_rounded_twice() -> None:
    twice = "variants.int8={round: 4, quantize: int8}"
    _, text = run("plan", "--no-model", str(MOBILENET), "--set", twice)
    assert "note variants.int8: round may give a weight 65536 values, and int8 keeps 129" in text
    _, text = run("plan", "--no-model", str(MOBILENET), "--set", twice, "--json")
    assert json.loads(text)["notes"][0].endswith("set round.levels to 129")


def test_schema_is_json() -> None:
    import jsonschema
    import yaml

    code, text = run("schema")
    assert code == 0
    schema = json.loads(text)
    configs = list((ROOT / "configs").glob("*.yaml"))
    assert configs and schema["required"]
    for config in configs:
        jsonschema.validate(yaml.safe_load(config.read_text()), schema)


def test_list_of_nothing(tmp_path: Path) -> None:
    code, text = run("list", str(tmp_path))
    assert code == 2 and f"{tmp_path}: nothing is published there" in text
    (tmp_path / "index.json").write_text("{")
    code, text = run("list", str(tmp_path))
    assert code == 1 and f"{tmp_path}/index.json: is no index" in text


def test_a_reader_that_leaves_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps({"models": {}}))
    reader, writer = os.pipe()
    os.close(reader)
    words = [PIPELINE, "list", str(tmp_path), "--json"]
    ended = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert ended.stderr == ""


def test_urls_are_refused_by_name_where_only_folders_are_read() -> None:
    for words in (
        ("report", "--cdn", "s3://b/cdn"),
        ("report", "https://a.example/m/latest.json"),
        ("serve", "s3://b/cdn"),
    ):
        code, text = run(*words)
        assert code == 2 and f"{words[-1]} is a URL" in " ".join(text.split())
    code, text = run("serve", ".", "--cdn", ".")
    assert code == 2 and "name one" in text


def test_a_clean_up_of_nothing_makes_nothing(tmp_path: Path) -> None:
    code, text = run("clean", "--cdn", str(tmp_path / "typo"), "--yes")
    assert code == 2 and "nothing is published there" in text
    assert not (tmp_path / "typo").exists()


def test_clean_says_what_it_does(tmp_path: Path) -> None:
    code, text = run("clean", "--store", str(tmp_path), "--all", "--dry-run")
    assert (code, text) == (0, f"would remove 0 files, 0.0 MB, from {tmp_path}\n")


def test_doctor_finds_what_this_project_installs() -> None:
    code, text = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(text)}
    assert code == 0, text
    assert checks["tensorflow"]["ok"] and checks["browser"]["ok"] and checks["page packages"]["ok"]


def test_doctor_names_the_command_that_mends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")
    code, text = run("doctor")
    assert code == 5
    assert "python -m pipeline.backends.web.install" in text


def test_errors_are_lines_and_debug_shows_the_traceback(tmp_path: Path) -> None:
    command = [PIPELINE, "build", "gone.yaml"]
    short = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "Traceback" not in short.stderr
    assert short.stderr.startswith("error: gone.yaml: there is no such config")
    command.insert(1, "--debug")
    long = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "Traceback" in long.stderr


def test_errors_survive_the_way_to_another_process() -> None:
    import pickle

    error = PipelineError("what", where="where", todo="todo")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "where: what\n  todo"


def test_help_is_fast() -> None:
    code = "import sys, pipeline.cli.main; print([m for m in ('pydantic', 'rich', 'yaml', 'numpy', "
    code += "'tensorflow') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_build_on_this_machine_imports_nothing_of_clusters() -> None:
    code = "import sys, pipeline.cli.commands.build, pipeline.build.batch, pipeline.build.make, "
    code += "pipeline.engine.lanes.local, pipeline.engine.call; print([m for m in ('distributed', "
    code += "'dask', 'pipeline.engine.shared', 'pipeline.build.cluster') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
