"""The wheel in the environments of others: installed by pip and by uv, used in an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import namespaces
import pytest
import yaml
from installed import HIDDEN, Project, install_by_pip, install_by_pipx, install_by_uv
from wheels import build_wheel

from pipeline.cli.main import COMMANDS
from pipeline.draft.ci import FILE
from pipeline.environment import interpreter
from pipeline.environment.place import ASIDE

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(2400)]

#: Models as users have them, and what each makes of a grey picture: by Keras and by onnxruntime.
MODELS = """\
import json
import keras, numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper

grey = np.full((1, 16, 16, 3), 128 / 255, np.float32)
stir = keras.initializers.RandomNormal(stddev=1, seed=1)
layers = keras.layers
net = keras.Sequential([
    keras.Input((16, 16, 3)), layers.Conv2D(4, 3, kernel_initializer=stir, activation="relu"),
    layers.GlobalAveragePooling2D(),
    layers.Dense(7, kernel_initializer=stir, activation="softmax"),
])
net.save("net.keras")
net.export("saved")
weights = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
onnx.save(helper.make_model(helper.make_graph(
    [helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
     helper.make_node("Flatten", ["means"], ["flat"]),
     helper.make_node("MatMul", ["flat", "w"], ["logits"]),
     helper.make_node("Softmax", ["logits"], ["classes"], axis=-1)],
    "colours",
    [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 16, 16])],
    [helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", 4])],
    [numpy_helper.from_array(weights, "w")],
), opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "colours.onnx")
scores = net(grey).numpy()[0].tolist()
session = onnxruntime.InferenceSession("colours.onnx")
colours = session.run(None, {"pixels": grey.transpose(0, 3, 1, 2)})[0][0].tolist()
json.dump({"net": scores, "saved": scores, "colours": colours}, open("expected.json", "w"))
"""
#: A page's own lines: the published client, and a grey picture.
PAGE = """\
async ([name, count]) => {
  const { load } = await import(new URL("client/index.js", location.origin));
  const model = await load(new URL(`${name}/latest.json`, location.origin).href);
  const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
  const context = canvas.getContext("2d");
  context.fillStyle = "rgb(128, 128, 128)";
  context.fillRect(0, 0, 32, 32);
  const top = await model.classify(canvas, { top: count });
  const { artifact, backend } = model.info;
  await model.dispose();
  return { artifact, backend, scores: top.map((one) => [one.index, one.score]) };
}"""
#: What a user's own script does.
SCRIPT = """\
import json
try:
    import numpy
    version, theirs = numpy.__version__, "1."
except ImportError:  # as in an environment of uv's, for the command alone
    version = theirs = "no"
from pipeline import build, load_config
from pipeline.base.errors import ConfigError

config = load_config("configs/net.yaml", ["publish.to=cdn-of-api"])
release = build(config)
try:
    load_config("configs/net.yaml", ["validate.backends=[nowhere]"])
except ConfigError as error:
    wrong = str(error)
print(json.dumps({
    "name": config.name, "artifacts": len(release.manifest["artifacts"]), "wrong": wrong,
    "numpy": version, "theirs": theirs,
}))
"""
#: Of another project: older than what builds run with.
THEIRS = "numpy<2"
#: Completes the first word after the command, as bash does on Tab.
COMPLETE = """\
eval "$(_{variable}_COMPLETE=bash_source {command})"
COMP_WORDS=({command} bu) COMP_CWORD=1
_{function}_completion {command}
echo "${{COMPREPLY[@]}}"
"""


#: What an editor, or a type checker, is told of a script of theirs.
TYPED = """\
from pipeline import build, load_config

config = load_config("a.yaml", ["x=1"])
reveal_type(config.name)
reveal_type(build(config).folder)
build(config, store=1)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module", params=["pip", "uv"])
def project(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    home = tmp_path_factory.mktemp(request.param)
    if request.param == "pip":
        return install_by_pip(home, wheel, THEIRS)
    return install_by_uv(home, wheel)


def test_nothing_of_the_checkout_is_in_reach(project: Project) -> None:
    namespaces.require()
    for folder in HIDDEN:
        assert any(folder.iterdir())
        assert project.run("ls", "-A", folder) == ""


def test_it_tells_its_version_and_options_before_anything_is_made(project: Project) -> None:
    for command in ("pipeline", "model-pipeline"):
        assert project.run(command, "--version").startswith(f"{command}, version ")
        assert f"Usage: {command} build" in project.run(command, "build", "--help")
        shown = project.run(command, "--help")
        assert all(f"  {name} " in shown for name in COMMANDS)
        name = command.replace("-", "_")
        script = COMPLETE.format(command=command, function=name, variable=name.upper())
        assert project.run("bash", "-c", script) == "build\n"
    assert not project.environments.exists()


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)


def test_a_set_up_that_is_killed_is_mended_by_two_at_once(project: Project) -> None:
    setup = [project.bin / "pipeline", "setup", "--json"]
    killed = project.start(*setup)
    wait_for(project.environments, f"{ASIDE}*/venv/lib/*/site-packages/*", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    first, second = (project.start(*setup) for _ in range(2))
    made, said = zip(*(process.communicate() for process in (first, second)), strict=True)
    assert (first.returncode, second.returncode) == (0, 0), said
    assert sum("another process is making an environment" in text for text in said) == 1
    assert made[0] == made[1] and Path(json.loads(made[0])["browser"]).is_file()
    (left,) = project.environments.iterdir()
    assert not left.name.startswith(ASIDE)


def python_of(project: Project) -> Path:
    """Of the packages that builds run with."""
    return next(project.environments.glob("*/venv/bin/python"))


def test_models_are_drafted_built_served_and_loaded_in_a_page(project: Project) -> None:
    project.run(python_of(project), "-c", MODELS)
    expected = json.loads((project.folder / "expected.json").read_text())
    for model in ("net.keras", "colours.onnx", "saved"):
        project.pipeline("init", model)
    configs = [f"configs/{name}.yaml" for name in expected]
    built = project.pipeline("build", *configs, "--json")
    assert len(built.splitlines()) == len(configs)
    for report in project.folder.glob("artifacts/cdn/*/releases/*/report.html"):
        assert not any(str(folder) in report.read_text() for folder in HIDDEN)
    with served(project) as url:
        for name, scores in expected.items():
            told = in_chromium(url, [name, len(scores)])
            assert {index for index, _ in told["scores"]} == {*range(len(scores))}
            for index, score in told["scores"]:
                assert score == pytest.approx(scores[index], abs=0.02), (name, told)
    checks = {check["name"]: check for check in json.loads(project.pipeline("doctor", "--json"))}
    assert str(project.environments) in checks["environment"]["found"]
    assert [name for name, check in checks.items() if not check["ok"]] in ([], ["xvfb"])


def test_the_workflow_that_it_writes_does_the_same(project: Project, wheel: Path) -> None:
    """All its steps, as a runner with the wheel has them."""
    if (project.bin / "uv").exists():
        pytest.skip("it installs by pip, into an environment")
    project.pipeline("init", "colours.onnx", "--name", "again", "--ci")
    (job,) = yaml.safe_load((project.folder / FILE).read_text())["jobs"].values()
    summary = project.home / "summary"
    variables = {
        "PATH": f"{project.home / 'venv/bin'}{os.pathsep}{project.environment['PATH']}",
        "PIPELINE": wheel,
        "GITHUB_STEP_SUMMARY": summary,
    }
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert len(scripts) == 3
    for script in scripts:
        given = (f"{name}={value}" for name, value in variables.items())
        project.run("env", *given, *bash, script)
    assert (project.folder / "artifacts/cdn/again/latest.json").is_file()
    assert "again" in summary.read_text()


@contextmanager
def served(project: Project) -> Iterator[str]:
    server = project.start(project.bin / "pipeline", "serve", "--port", "0")
    try:
        assert server.stdout
        yield server.stdout.readline().split(" at ")[1].split()[0]
    finally:
        server.terminate()
        server.communicate()


def in_chromium(url: str, given: list[Any]) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    from pipeline.backends.web.install import find_browser

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=find_browser(), chromium_sandbox=os.geteuid() != 0
        )
        page = browser.new_page()
        page.goto(f"{url}index.json")  # without the policy of pages
        told: dict[str, Any] = page.evaluate(PAGE, given)
        browser.close()
    return told


def test_their_own_process_builds_whatever_packages_it_has(project: Project) -> None:
    python = (project.bin / "pipeline").resolve().with_name("python")
    (project.folder / "ship.py").write_text(SCRIPT)
    told = json.loads(project.run(python, "ship.py"))
    assert (told["name"], told["numpy"][:2]) == ("net", told["theirs"])
    assert told["artifacts"] >= 4 and "nowhere" in told["wrong"]
    (project.folder / "typed.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=/dev/null"]
    checked = subprocess.run(
        [*command, "--python-executable", python, "typed.py"], cwd=project.folder,
        env=project.environment, capture_output=True, text=True, check=False,
    ).stdout.splitlines()  # fmt: skip
    words = ['Revealed type is "str"', 'Revealed type is "str"', '"store" to "build" has incompat']
    assert [word in line for word, line in zip(words, checked, strict=False)] == [True] * 3, checked
    assert "Found 1 error in 1 file" in checked[-1]


def test_what_else_installs_tools_runs_in_the_same_environment(
    project: Project, wheel: Path, tmp_path: Path
) -> None:
    """By pipx, and by uvx, which keeps nothing: a model of ONNX, without a browser."""
    build = ["build", project.folder / "configs/colours.yaml", "--no-browsers", "--json"]
    shared = {"PIPELINE_ENVIRONMENTS": str(project.environments)}
    if (project.bin / "uv").exists():
        uvx = ["uv", "tool", "run", "--quiet", "--from", wheel, "model-pipeline"]
        assert json.loads(project.run(*uvx, *build))["manifest"]["name"] == "colours"
        return
    theirs = install_by_pipx(tmp_path, wheel)
    theirs.more.update(shared)
    assert json.loads(theirs.pipeline(*build))["manifest"]["name"] == "colours"


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_their_python_may_be_another(
    project: Project, wheel: Path, tmp_path: Path, version: str
) -> None:
    """The one that the environment is made of stays."""
    if not (project.bin / "uv").exists():
        pytest.skip("seen once")
    pyenvs = Path.home().glob(f".pyenv/versions/{version}*/bin/python")
    tried = [shutil.which(f"python{version}"), *map(str, pyenvs)]
    python = next((path for path in tried if path and interpreter.probe(path)), None)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    theirs = install_by_pip(tmp_path, wheel, python=python)
    theirs.more["PIPELINE_ENVIRONMENTS"] = str(project.environments)
    config = project.folder / "configs/colours.yaml"
    built = json.loads(theirs.pipeline("build", config, "--no-browsers", "--json"))
    assert built["manifest"]["name"] == "colours"
    code = f"import pipeline; print(pipeline.load_config({str(config)!r}).name)"
    assert theirs.run(tmp_path / "venv/bin/python", "-c", code) == "colours\n"
    assert len([*project.environments.iterdir()]) == 1


def test_without_any_network_it_is_made_of_what_caches_have(project: Project) -> None:
    namespaces.require()
    if not (project.bin / "uv").exists():
        pytest.skip("pip installs nothing of its cache without an index")
    setup = [project.bin / "pipeline", "setup", "--anew", "--json"]
    alone = namespaces.without_network([*setup, "--offline"])
    assert str(project.environments) in json.loads(project.run(*alone))["environment"]
    refused = project.run(
        "env", f"UV_CACHE_DIR={project.home / 'cold'}", *alone, check=1
    ).splitlines()
    assert "not in its cache" in refused[-2] and "pipeline setup" in refused[-1]
    assert python_of(project).exists()


def test_what_is_old_is_removed(project: Project) -> None:
    old = project.environments / "0123456789abcdef"
    old.mkdir()
    removed = json.loads(project.pipeline("clean", "--environments", "--json"))
    assert removed["folders"] == [str(old)]
    assert str(python_of(project).parents[2]) in project.pipeline(
        "clean", "--environments", "--all"
    )


def test_nothing_was_written_into_their_environment(project: Project) -> None:
    assert not [*project.environments.iterdir()]
    (packages,) = project.home.glob("*/**/site-packages/pipeline")
    (record,) = packages.parent.glob("model_pipeline-*/RECORD")
    installed = {line.partition(",")[0] for line in record.read_text().splitlines()}
    files = {path.relative_to(packages.parent).as_posix() for path in packages.rglob("*.*")}
    # What Python keeps of modules that it imported, as of any package.
    assert {name for name in files - installed if "__pycache__" not in name} == set()
