"""The workflow that ``pipeline init --ci`` writes: valid, pinned, and what it says is done."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import commands
import pytest
import yaml
from runners import run_step
from test_action import write_configs
from test_workflows import PINNED, ROOT, WORKFLOWS, lint

from pipeline.base.errors import ConfigError
from pipeline.base.tools import version
from pipeline.draft.ci import CHECK, FILE, Workflow, plan_workflow

ACTION = f"someone/model-pipeline@{'a' * 40}"
BY_PIP, BY_ACTION = (Workflow(Path("configs"), action) for action in (None, ACTION))


def steps(text: str) -> list[dict[str, Any]]:
    (job,) = yaml.safe_load(text)["jobs"].values()
    given: list[dict[str, Any]] = job["steps"]
    return given


@pytest.mark.parametrize("workflow", [BY_PIP, BY_ACTION], ids=["pip", "action"])
def test_the_linters_accept_it(workflow: Workflow, tmp_path: Path) -> None:
    (tmp_path / "models.yml").write_text(workflow.text())
    linted = lint(tmp_path / "models.yml")
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_its_actions_are_those_of_our_own_workflows() -> None:
    ours = "".join(path.read_text() for path in WORKFLOWS)
    text = BY_PIP.text() + BY_ACTION.text()
    pinned = {line.strip() for line in text.splitlines() if "uses:" in line and ACTION not in line}
    assert len(pinned) == 4
    for line in pinned:
        assert PINNED.search(line) and line in ours, line


def test_an_action_is_given_what_it_takes() -> None:
    (step,) = (one for one in steps(BY_ACTION.text()) if one["uses"] == ACTION)
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    assert step["with"] == {"configs": "configs/*.yaml"} and "configs" in inputs


def test_its_steps_build_and_report(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    write_configs(tmp_path / "configs", "one", "two")
    named = {step["name"]: step for step in steps(BY_PIP.text()) if "name" in step}
    wheel = f"./model_pipeline-{version('model-pipeline')}-py3-none-any.whl"
    assert named["install"]["env"] == {"PIPELINE": wheel}
    for name in ("build", "report"):
        ended = run_step(named[name]["run"], tmp_path, tmp_path)
        assert ended.returncode == 0, ended.stderr
    *_, upload = steps(BY_PIP.text())
    for model in ("one", "two"):
        assert (tmp_path / upload["with"]["path"] / model / "latest.json").is_file()
        assert re.search(rf"^#.*{model}", (tmp_path / "summary").read_text(), re.MULTILINE)


def test_a_step_that_fails_ends_it(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (build,) = (s for s in steps(BY_PIP.text()) if s.get("name") == "build")
    assert run_step(build["run"], tmp_path, tmp_path).returncode == 2


def test_the_command_writes_it_beside_the_config(tmp_path: Path) -> None:
    words = ["init", "--ci", "--store", tmp_path / "store"]
    shown = commands.pipeline(*words, cwd=tmp_path).output
    assert f"wrote {FILE}" in shown and f"check PIPELINE, in it: {CHECK}" in shown
    assert (tmp_path / FILE).read_text() == BY_PIP.text()
    again = commands.pipeline(*words, "--to", "configs/b.yaml", cwd=tmp_path, check=2).output
    assert f"there is {FILE} already" in again and not (tmp_path / "configs/b.yaml").exists()
    (tmp_path / FILE).unlink()
    more = ["--to", "configs/b.yaml", "--action", ACTION, "--json"]
    told = json.loads(commands.pipeline(*words, *more, cwd=tmp_path).stdout.splitlines()[-1])
    assert told["workflow"] == str(FILE) and ACTION in (tmp_path / FILE).read_text()
    alone = commands.pipeline("init", "--action", ACTION, cwd=tmp_path, check=2).output
    assert "--action needs --ci" in alone


@pytest.mark.parametrize(
    ("config", "action", "what"),
    [
        ("configs/a.yaml", "someone/model-pipeline", "is no action"),
        ("configs/a.yaml", "a/b@c\n      - run: x", "is no action"),
        ("../a.yaml", None, "names no folder"),
        ("$(x)/a.yaml", None, "names no folder"),
    ],
)
def test_what_no_workflow_can_say_is_refused(
    config: str, action: str | None, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=what):
        plan_workflow(Path(config), action)


def test_the_folder_of_the_repository_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(ConfigError, match=f"run it in {tmp_path}$"):
        plan_workflow(Path("configs/a.yaml"), None)
