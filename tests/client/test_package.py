"""The client as a package: its types, what a user's project gets of it, and what it weighs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from nightly import nightly

from pipeline.backends.web.packages import INPUTS, TASKS
from pipeline.publish.delivery import types

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "pipeline" / "client"
TOOLS = CLIENT / "node_modules" / ".bin"

USER = """
import { load, LoadError, ModelError } from "model-pipeline-client";
import type { ClassScore, ImageInput, Model, Progress } from "model-pipeline-client";
import { drawBoxes, overlay } from "model-pipeline-client/draw";
import { observed } from "model-pipeline-client/events";
import type { ModelEvent } from "model-pipeline-client/events";
import { clear, inspect } from "model-pipeline-client/inspect";
import { through } from "model-pipeline-client/network";
import { normalized } from "model-pipeline-client/normalized";
import { fakeLoad, fakeModel } from "model-pipeline-client/testing";

const controller = new AbortController();
const model: Model = await load("https://cdn.example/mobilenet/latest.json", {
  artifact: "tfjs-graph/uint8",
  backend: "tfjs-wasm",
  signal: controller.signal,
  integrity: "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
  worker: () => new Worker("/model-pipeline-worker.js", { type: "module" }),
  onProgress: ({ loaded, total, files }: Progress) =>
    console.log(loaded / total, files.filter((file) => file.cached).length),
});
try {
  const image = document.querySelector("img")!;
  const scores: ClassScore[] = await model.classify(image, { top: 3 });
  const label: string = scores[0].label;
  type Classifier = Model<"image-classification">;
  const classifier: Classifier = await load<"image-classification">("latest.json");
  const ask = (input: ImageInput) => classifier.classify(input, { top: 1 });
  console.log((await ask(image)).artifact, classifier.info.methods.join());
  const { probabilities } = await model.predict({
    image: { dtype: "float32", shape: [1, 64, 64, 3], data: new Float32Array(64 * 64 * 3) },
  });
  const region = { x: 1, y: 2, width: 3, height: 4 };
  const shares = normalized(await model.detect("/cat.jpg", { region, rotation: 90 }));
  console.log(shares[0].box.x, shares.image.width);
  const { chosen, tiers } = await inspect("latest.json", { backend: "ort-wasm" });
  if (chosen && chosen.cached === chosen.bytes) await clear("latest.json");
  console.log(tiers.map(({ out }) => out ?? "runs"));
  await (await through(load, { headers: { Authorization: "x" } })("latest.json")).dispose();
  const tell = (event: ModelEvent) => event.type === "download" && console.log(event.url, event.ms);
  await using seen = await observed(load, tell)<"image-classification">("latest.json");
  const canned = { classify: [{ label: "cat", index: 0, score: 1 }] };
  const fake = fakeModel<"image-classification">({ answers: canned });
  const other = await fakeLoad({ "a.json": { answers: canned } })<"image-classification">("a.json");
  console.log((await fake.classify("x.png"))[0].label, (await other.classify("x.png")).artifact);
  console.log((await seen.classify("x.png")).length);
  const context = overlay(document.querySelector("canvas")!, image);
  drawBoxes(context, [{ box: { x: 1, y: 2, width: 3, height: 4 }, label }], { dashed: true });
  console.log(label, probabilities.shape, model.info.backend, (await model.memory()).tensors);
} catch (error) {
  if (error instanceof LoadError && error.code === "http") console.log(error.status, error.url);
  else if (error instanceof ModelError && error.code === "nothing") console.log(error.tried);
} finally {
  await model.dispose();
}
"""


def run(words: Sequence[object], folder: Path, check: bool = True) -> str:
    done = subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True,
                          check=False)  # fmt: skip
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_types(project: Path, source: str, resolution: str) -> str:
    module = {"nodenext": "nodenext", "bundler": "esnext"}[resolution]
    options = {"strict": True, "noEmit": True, "module": module, "moduleResolution": resolution,
               "target": "es2022", "lib": ["es2022", "dom"], "types": []}  # fmt: skip
    (project / "user.ts").write_text(source)
    config = {"compilerOptions": options, "files": ["user.ts"]}
    (project / "tsconfig.json").write_text(json.dumps(config))
    return run([TOOLS / "tsc"], project, check=False)


@pytest.mark.parametrize("resolution", ["nodenext", nightly("bundler")])
def test_a_users_types_are_checked(project: Path, resolution: str) -> None:
    assert check_types(project, USER, resolution) == ""
    wrong = USER.replace("top: 3", 'top: "3"').replace('"tfjs-wasm"', '"tfjs-vasm"')
    wrong = wrong.replace('load<"image-', 'load<"sound-')
    wrong = wrong.replace("dashed: true", "dotted: true").replace("height: 4 }", "high: 4 }")
    wrong = wrong.replace("0, score: 1 }", "0 }").replace("event.url", "event.path")
    said = check_types(project, wrong, resolution)
    assert said.count("error TS") == 9, said
    assert "tfjs-vasm" in said and "sound-classification" in said


def test_the_package_holds_what_it_needs_and_no_more(project: Path) -> None:
    installed = project / "node_modules" / "model-pipeline-client"
    found = {path.relative_to(installed).as_posix() for path in installed.rglob("*.*")}
    modules = {path.name for path in CLIENT.glob("*.js")}
    others = {"README.md", "package.json"} | {path.name for path in CLIENT.glob("*.d.ts")}
    others |= {"runtimes/feeds.js", "runtimes/failure.js"}
    tasks = {f"tasks/{path.parent.name}/methods.d.ts" for path in TASKS.glob("*/methods.d.ts")}
    values = {f"inputs/{path.parent.name}/value.d.ts" for path in INPUTS.glob("*/value.d.ts")}
    types = {"tasks/index.d.ts", *tasks, *values}
    assert found == modules | others | types | {"model-pipeline-worker.js"}
    # No bundler has to look for anything from there.
    assert "import(" in (worker := (installed / "model-pipeline-worker.js").read_text())
    assert not re.search(r"""(from|import|import\()\s*["']""", worker)
    assert (installed / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_package_has_the_pipelines_version_and_can_be_published_with_provenance() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    package = json.loads((CLIENT / "package.json").read_text())
    assert (package["version"], package["license"]) == (project["version"], project["license"])
    assert package["publishConfig"] == {"access": "public", "provenance": True}
    # Its address is the repository's that publishes it: docs/ci.md says how it gets there.
    folder = ROOT / package["repository"]["directory"]
    assert folder == CLIENT and "url" not in package["repository"]


def test_every_module_that_may_be_imported_is_there_with_its_types(project: Path) -> None:
    installed = project / "node_modules" / "model-pipeline-client"
    exports = json.loads((installed / "package.json").read_text())["exports"]
    modules = [one for one in exports.values() if isinstance(one, dict)]
    assert len(modules) == 7
    for module in modules:
        assert (installed / module["default"]).is_file() and (installed / module["types"]).is_file()


#: A user's own test, in Node.
NODE = """
import assert from "node:assert/strict";
import { fakeModel, ModelError } from "model-pipeline-client/testing";
import { normalized } from "model-pipeline-client/normalized";
import { load } from "model-pipeline-client";

const box = { x: 1, y: 2, width: 3, height: 4 };
const answer = Object.assign([{ label: "cat", box }], { image: { width: 10, height: 10 } });
const model = fakeModel({ answers: { detect: answer } });
assert.equal(normalized(await model.detect("cat.jpg"))[0].box.width, 0.3);
await model.dispose();
await assert.rejects(model.detect("cat.jpg"), (error) => error instanceof ModelError);
await assert.rejects(load("latest.json"), { code: "environment" });
"""


def test_fakes_run_in_node(project: Path) -> None:
    run(["node", "--input-type=module", "--eval", NODE], project)


def test_types_of_manifests_follow_their_schema(tmp_path: Path) -> None:
    copy = tmp_path / "client"
    shutil.copytree(CLIENT, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(CLIENT / "node_modules")
    (tmp_path / "manifest").symlink_to(ROOT / "pipeline" / "manifest")
    run(["npm", "run", "--silent", "types"], copy)
    for name in ("manifest.d.ts", "page.d.ts"):
        same = (copy / name).read_text() == (CLIENT / name).read_text()
        assert same, f"run `make types`: the schema that {name} is made of changed"


def test_the_list_of_tasks_follows_their_folders() -> None:
    assert types.LIST.read_text() == types.task_list(), "run `make types`"


def test_the_client_names_no_task() -> None:
    """Nor does its page: a task stands in its folder, and is known by what a release says."""
    names = {path.name for path in TASKS.iterdir() if (path / "__init__.py").is_file()}
    words = {word for name in names for word in (name, name.replace("_", "-"))} - {"tensors"}
    assert "image-classification" in words
    for path in CLIENT.rglob("*.*"):
        if "node_modules" in path.parts or path.suffix not in (".js", ".ts", ".html", ".css"):
            continue
        text = path.read_text()
        # How a user's TypeScript names one is told by an example.
        text = text.replace('load<"image-classification">', "")
        assert not [word for word in words if word in text], path


def test_locked_packages_carry_no_registrys_address() -> None:
    assert '"resolved"' not in (CLIENT / "package-lock.json").read_text()
