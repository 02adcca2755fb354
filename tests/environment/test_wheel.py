"""The wheel in the environments of others: installed by pip and by uv, used in an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from readme import ROOT

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

UV = Path(sys.prefix) / "bin" / "uv"

MODEL = """\
import keras
keras.utils.set_random_seed(1)
layers = keras.layers
keras.Sequential([
    keras.Input((8, 8, 3)), layers.Conv2D(8, 3, activation="relu"),
    layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax"),
]).save("tiny.keras")
"""
CONFIG = """\
name: tiny
license: Apache-2.0
source: {keras_file: tiny.keras}
variants: {fp32: {}, uint8: {quantize: uint8}}
export: {tfjs-graph: {}, onnx: {}}
validate: {backends: [onnxruntime-cpu, tfjs-wasm]}
"""
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

config = load_config("tiny.yaml", ["publish.to=cdn-of-api"])
release = build(config)
try:
    load_config("tiny.yaml", ["validate.backends=[nowhere]"])
except ConfigError as error:
    wrong = str(error)
print(json.dumps({
    "name": config.name, "artifacts": len(release.manifest["artifacts"]), "wrong": wrong,
    "numpy": version, "theirs": theirs,
}))
"""
#: Of another project: older than what builds run with.
THEIRS = "numpy<2"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of what git has, as from a fresh clone."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.splitlines():
        target = folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    command = [UV, "build", "--wheel", "--quiet", "--out-dir", folder, folder / "source"]
    subprocess.run(command, check=True)
    shutil.rmtree(folder / "source")
    return next(folder.glob("*.whl"))


@dataclass(frozen=True)
class Project:
    """Somebody's folder, and the command that they installed."""

    folder: Path
    bin: Path
    environment: dict[str, str]
    packages: Path
    installed: frozenset[Path]
    """What the installer left in the folder of this package."""

    def pipeline(self, *arguments: str) -> str:
        ended = subprocess.run(
            [self.bin / "pipeline", *arguments], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr[-2000:]
        return ended.stdout


@pytest.fixture(scope="module", params=["pip", "uv"])
def project(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    folder = tmp_path_factory.mktemp(request.param)
    ours = {"PYTHONPATH", "PIPELINE_STORE", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["PIPELINE_ENVIRONMENTS"] = str(folder / "environments")
    if request.param == "pip":
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        pip = [folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, THEIRS, wheel], env=environment, check=True)
        commands = folder / "venv" / "bin"
    else:
        # With uv at hand, which then makes the environment too.
        commands = folder / "bin"
        commands.mkdir()
        (commands / "uv").symlink_to(UV)
        environment["PATH"] = f"{commands}{os.pathsep}{environment['PATH']}"
        places = {"UV_TOOL_DIR": folder / "tools", "UV_TOOL_BIN_DIR": commands}
        environment |= {name: str(path) for name, path in places.items()}
        command = ["uv", "tool", "install", "--quiet", "--python", sys.executable, wheel]
        subprocess.run(command, env=environment, check=True)
    (folder / "project").mkdir()
    packages = next(folder.glob("*/**/site-packages/pipeline"))
    return Project(
        folder / "project", commands, environment, packages, frozenset(packages.rglob("*"))
    )


def test_it_tells_its_version_and_options_before_anything_is_made(project: Project) -> None:
    assert project.pipeline("--version") == "pipeline, version 0.1.0\n"
    assert "--sign-key" in project.pipeline("build", "--help")
    assert not Path(project.environment["PIPELINE_ENVIRONMENTS"]).exists()


def test_it_sets_up_builds_and_cleans(project: Project) -> None:
    made = json.loads(project.pipeline("setup", "--json"))
    assert Path(made["browser"]).is_file()
    python = Path(made["environment"]) / "bin" / "python"
    subprocess.run([python, "-c", MODEL], cwd=project.folder, check=True, capture_output=True)
    (project.folder / "tiny.yaml").write_text(CONFIG)
    built = json.loads(project.pipeline("build", "tiny.yaml", "--json").splitlines()[-1])
    assert built
    latest = json.loads((project.folder / "artifacts/cdn/tiny/latest.json").read_text())
    release = project.folder / "artifacts/cdn/tiny/releases" / latest["release"]
    manifest = json.loads((release / "manifest.json").read_text())
    assert len(manifest["artifacts"]) == 4
    assert str(ROOT) not in (release / "report.html").read_text()
    checks = {check["name"]: check for check in json.loads(project.pipeline("doctor", "--json"))}
    assert project.environment["PIPELINE_ENVIRONMENTS"] in checks["environment"]["found"]
    assert [name for name, check in checks.items() if not check["ok"]] in ([], ["xvfb"])
    check_api(project)
    old = Path(project.environment["PIPELINE_ENVIRONMENTS"]) / "0123456789abcdef"
    old.mkdir()
    assert json.loads(project.pipeline("clean", "--environments", "--json"))["folders"] == [
        str(old)
    ]
    assert str(python.parents[3]) in project.pipeline("clean", "--environments", "--all")


def check_api(project: Project) -> None:
    """In their own process, whose NumPy is older than that of builds."""
    python = (project.bin / "pipeline").resolve().with_name("python")
    script = project.folder / "ship.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [python, script], cwd=project.folder, env=project.environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout)
    assert (told["name"], told["artifacts"], told["numpy"][:2]) == ("tiny", 4, told["theirs"])
    assert "names no" in told["wrong"] or "nowhere" in told["wrong"]


def test_nothing_was_written_into_their_environment(project: Project) -> None:
    new = {*project.packages.rglob("*")} - project.installed
    # What Python keeps of modules that it imported, as of any package.
    assert {path for path in new if "__pycache__" not in path.parts} == set()
