"""The workflows: what `make lint` asks of them, and that they only call make."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.publish.release.release import publish
from pipeline.publish.upkeep.verify.run import verify

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

#: A commit, and the version that it was tagged as.
PINNED = re.compile(r"uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+( #.*)?$")

GOOD = """
name: good
on: push
permissions: {}
concurrency: {group: good, cancel-in-progress: true}
jobs:
  test:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - run: make test
"""


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{path.stem} {name}", job)
        for path in WORKFLOWS
        for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    ]


def runs() -> list[str]:
    return sorted({step["run"] for _, job in jobs() for step in job["steps"] if "run" in step})


def lint(*workflows: Path) -> subprocess.CompletedProcess[str]:
    """What ``make lint`` does with workflows, on others."""
    shown = make("-n", "-o", ".venv/.ready", "lint", "BIN=" + str(BIN)).stdout.splitlines()
    commands = [line for line in shown if ".github/workflows" in line]
    assert len(commands) == 2
    words = shlex.join(map(str, workflows))
    script = "\n".join(re.sub(r"(\.github/workflows/\S+\s*)+", words, line) for line in commands)
    return subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=False)


def make(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    # Of a make that runs these tests, the variables would be those of this one.
    outer = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "CONFIGS"}
    kept = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_linters_accept_the_workflows() -> None:
    found = lint(*WORKFLOWS)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_linters_accept_a_good_workflow(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    assert lint(tmp_path / "good.yml").returncode == 0


@pytest.mark.parametrize(
    ("line", "planted", "said"),
    [
        ("runs-on: ubuntu-24.04", "run-on: ubuntu-24.04", "run-on"),
        ("run: make test", "run: echo ${{ github.head_ref }}", "template-injection"),
        ("run: make test", "uses: someone/action@main", "unpinned-uses"),
        ("run: make test", "uses: actions/checkout@" + "a" * 40, "artipacked"),
        ("on: push", "on: pull_request_target", "dangerous-triggers"),
    ],
)
def test_the_linters_refuse_a_bad_one(tmp_path: Path, line: str, planted: str, said: str) -> None:
    assert line in GOOD
    (tmp_path / "bad.yml").write_text(GOOD.replace(line, planted))
    found = lint(tmp_path / "bad.yml")
    assert found.returncode != 0
    assert said in found.stdout + found.stderr


@pytest.mark.parametrize("command", runs())
def test_a_job_only_calls_make(command: str) -> None:
    words = shlex.split(command.partition(">>")[0])
    assert words[0] == "make"
    done = make("-n", *words[1:])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_make_knows_when_it_is_asked_for_what_it_has_not() -> None:
    assert make("-n", "releases").returncode != 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert "uses:" not in line or "uses: ./" in line or PINNED.search(line), line


@pytest.mark.parametrize(("name", "job"), jobs(), ids=[name for name, _ in jobs()])
def test_a_job_has_a_limit_and_few_rights(name: str, job: dict[str, Any]) -> None:
    assert job["timeout-minutes"] <= 120
    assert isinstance(job["permissions"], dict)
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_reusable_one_gives_the_action_what_it_takes() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    workflow = yaml.safe_load((ROOT / ".github/workflows/models.yml").read_text())
    call = workflow[True]["workflow_call"]  # YAML 1.1 reads `on` so
    (build,) = workflow["jobs"].values()
    (step,) = (step for step in build["steps"] if step.get("id") == "models")
    assert step["with"].keys() == action["inputs"].keys()
    assert step["with"].keys() <= call["inputs"].keys()
    for name, output in call["outputs"].items():
        assert output["value"] == f"${{{{ jobs.build.outputs.{name} }}}}"
        assert name in build["outputs"]
    given = re.findall(r"steps\.models\.outputs\.([\w-]+)", json.dumps(build))
    assert {*given} <= action["outputs"].keys()


def test_only_jobs_that_need_it_can_write() -> None:
    rights = {
        name: sorted(right for right, level in job["permissions"].items() if level == "write")
        for name, job in jobs()
    }
    assert {name: writes for name, writes in rights.items() if writes} == {
        "models build": ["id-token"],
        "release build": ["id-token"],
        "release attest": ["attestations", "id-token"],
        "release assets": ["contents"],
        "release deploy": ["id-token", "pages"],
        "release bucket": ["id-token"],
    }


def test_a_release_is_made_of_every_config() -> None:
    listed = json.loads(make("-s", "configs").stdout.removeprefix("configs="))
    assert listed == sorted(f"configs/{path.name}" for path in ROOT.glob("configs/*.yaml"))


def test_a_release_can_be_made_of_some() -> None:
    named = make("-s", "configs", CONFIGS="configs/mobilenet.yaml")
    assert named.stdout == 'configs=["configs/mobilenet.yaml"]\n'


def test_what_is_no_config_starts_no_job() -> None:
    named = make("-s", "configs", CONFIGS="configs/mobilenet.yaml; curl")
    assert named.returncode != 0
    assert "there is no configs/mobilenet.yaml;, curl" in named.stderr


def published(folder: Path, name: str) -> None:
    """A model in a CDN folder."""
    (folder / "files").mkdir(parents=True)
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    file = {"path": f"files/{sha256}.bin", "sha256": sha256, "bytes": len(name)}
    (folder / file["path"]).write_text(name)
    artifacts = [{"id": "onnx/fp32", "entry": file["path"], "files": [file]}]
    manifest = {"schema": 1, "name": name, "task": "tensors", "artifacts": artifacts}
    publish(manifest, lambda _: folder, folder.parent / "cdn", "latest")


def test_archives_of_several_models_become_one_site(tmp_path: Path) -> None:
    for name in ("one", "two"):
        published(tmp_path / name, name)
    places = {name: str(tmp_path / name.lower()) for name in ("CDN", "DIST", "SITE")}
    variables = [f"{name}={path}" for name, path in (places | {"BIN": str(BIN)}).items()]
    done = make("-o", ".venv/.ready", *variables, "pack", "site")
    assert done.returncode == 0, done.stderr
    archives = sorted(path.name for path in (tmp_path / "dist").glob("*.tar.gz"))
    assert archives == ["one.tar.gz", "two.tar.gz"]
    found = verify(str(tmp_path / "site"))
    assert found.faults == []
    assert sorted(found.channels) == ["one/latest", "two/latest"]
    index = json.loads((tmp_path / "site" / "index.json").read_text())
    assert sorted(index["models"]) == ["one", "two"]
