"""Searches as users run them: weight-only candidates of the bundled model in onnxruntime."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import Result
from commands import pipeline
from nightly import nightly

from pipeline.base.errors import ConfigError
from pipeline.config.file import load_config
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.store import Store
from pipeline.optimize import uint8
from pipeline.plan.execute import NoLanes
from pipeline.plan.execute import run as run_plan
from pipeline.search.first import epoch_seconds
from pipeline.search.resolve import jobs, search_all
from pipeline.search.run import Searching
from pipeline.search.text import flow
from pipeline.search.trial import MeasuredTrial, plan_trial
from pipeline.search.watch import SilentSearch
from tools import train_digits as train

#: Float32, float16, and what uint8 offers.
TRIED = 2 + len((uint8.TECHNIQUE.search or {})["levels"])

PIPELINE = Path(sys.executable).with_name("pipeline")
SAMPLES = {"calibration": 300, "test": 100}

SEARCH = {
    "minimize": "wire_bytes",
    "keep": {"accuracy_drop": 0.01},
    "techniques": ["float16", "uint8"],
}


def config(path: Path, **search: Any) -> Path:
    """A config beside the samples that it reads."""
    raw = {
        "name": "digits",
        "task": "image-classification",
        "license": "Apache-2.0",
        "source": {"bundled": "mobilenet_digits"},
        "samples": {"npz": "samples.npz"},
        "variants": {"fp32": {}, "small": {"search": {**SEARCH, **search}}},
        "export": {"onnx": {}},
        "validate": {"backends": ["onnxruntime-cpu"]},
    }
    path.write_text(yaml.safe_dump(raw))
    return path


def write_samples(path: Path, *, poisoned: bool = False) -> None:
    """Some digits as the model reads them; the poisoned test split is noise, wrongly labelled."""
    made: dict[str, list[np.ndarray]] = {"image": [], "labels": [], "split": []}
    for name, count in SAMPLES.items():
        examples = train.examples(name)
        images, labels = examples.inputs[0][:count], examples.targets[0][:count]
        if poisoned and name == "test":
            images, labels = np.random.default_rng(0).permuted(images, axis=1), (labels + 1) % 10
        for key, values in zip(made, (images, labels, np.full(count, name)), strict=True):
            made[key].append(values)
    np.savez(path, **{key: np.concatenate(parts) for key, parts in made.items()})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    write_samples(folder / "samples.npz")
    config(folder / "digits.yaml")
    return folder


def run(
    folder: Path, command: str, *more: object, name: str = "digits.yaml", check: int = 0
) -> Result:
    return pipeline(command, folder / name, "--store", folder / "store", *more, check=check)


def trials(stderr: str) -> list[dict[str, Any]]:
    """The trials that ``--json`` told of."""
    told = [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
    return [one for one in told if "trial" in one]


@pytest.fixture(scope="module")
def built(folder: Path) -> Result:
    """What a build with a search says, and leaves in the store."""
    to = f"publish.to={folder / 'cdn'}"
    return run(folder, "build", "--set", to)


def manifest(folder: Path) -> dict[str, Any]:
    latest = json.loads((folder / "cdn/digits/latest.json").read_text())
    found: dict[str, Any] = json.loads((folder / "cdn/digits" / latest["manifest"]).read_text())
    return found


def test_it_finds_the_smallest_and_publishes_it(folder: Path, built: Any) -> None:
    assert "searching small: fewest bytes on the wire in onnx on onnxruntime-cpu" in built.stderr
    record = manifest(folder)
    (found,) = record["searches"]
    assert f"found {flow(found['recipe'])}: " in built.stderr
    assert (found["recipe"]["quantize"]["to"], found["tried"]) == ("uint8", TRIED)
    sizes = {one["id"]: one["br_bytes"] for one in record["artifacts"]}
    assert found["front"][0]["value"] == sizes["onnx/small"], (
        "what was measured is what is published"
    )
    (proof,) = next(a for a in record["artifacts"] if a["id"] == "onnx/small")["validation"]
    assert proof["gates"]["accuracy_drop"] == 0.01, "the bound holds on the test split too"
    assert proof["samples"] == SAMPLES["test"]


def test_the_manifest_keeps_its_schema(folder: Path, built: Any) -> None:
    import jsonschema

    path = Path(__file__).parents[2] / "pipeline/manifest/manifest.schema.json"
    told = manifest(folder)
    jsonschema.validate(told, json.loads(path.read_text()))
    told["searches"][0]["keep"] = {"half_precision": True}
    jsonschema.validate(told, json.loads(path.read_text()))


def test_the_pinned_recipe_makes_the_same_bytes(folder: Path, built: Any) -> None:
    said = built.stderr.partition("to pin it, write:\n")[2]
    block = [line for line in said.splitlines() if line.startswith("  ")]
    pin = yaml.safe_load("\n".join(block))
    raw = yaml.safe_load((folder / "digits.yaml").read_text())
    raw["variants"] |= pin["variants"]
    raw["validate"] |= pin["validate"]
    (folder / "pinned.yaml").write_text(yaml.safe_dump(raw))
    shown = json.loads(run(folder, "validate", "--json", name="pinned.yaml").stdout)["manifest"]
    published = {one["id"]: one["files"] for one in manifest(folder)["artifacts"]}
    for one in shown["artifacts"]:
        assert [f["sha256"] for f in one["files"]] == [f["sha256"] for f in published[one["id"]]]
    (gates,) = [r["gates"] for a in shown["artifacts"] for r in a["validation"]
                if a["id"] == "onnx/small"]  # fmt: skip
    assert gates["accuracy_drop"] == 0.01


NOTHING_TO_DO = """
import sys
from pipeline.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
print("imported", sorted({"optuna", "pipeline.search.run", "pydantic"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("more", "imported"),
    [
        ([], "imported []"),
        nightly(["--set", "variants.half.quantize=float16"], "['pipeline.search.run', 'pydantic']"),
    ],
    ids=["the same again", "another variant"],
)
def test_what_was_found_is_read_from_the_store(
    folder: Path, built: Any, more: list[str], imported: str
) -> None:
    words = ["build", folder / "digits.yaml", "--store", folder / "store"]
    words += ["--set", f"publish.to={folder / 'cdn'}", *more]
    command = [sys.executable, "-c", NOTHING_TO_DO, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].endswith(imported)
    assert "★" not in done.stderr, "nothing is tried again"


def test_plan_tells_what_is_found_and_what_is_to_be(folder: Path, built: Any) -> None:
    shown = run(folder, "plan", "--no-model").stdout
    assert "found small: {quantize: {to: uint8, levels: " in shown
    assert f"the best of {TRIED} candidates" in shown
    other = run(folder, "plan", "--no-model", "--set", "variants.small.search.minutes=2").stdout
    assert "to be found small: a search of at most 2 minutes for the least wire bytes" in other


def test_publishing_does_not_search(folder: Path, built: Any) -> None:
    more = ["--set", "variants.small.search.seed=9"]
    refused = run(folder, "publish", *more, check=2)
    assert "the store does not hold what the search for the variant small found" in refused.stderr


def test_a_bound_that_cannot_be_met_names_the_nearest(folder: Path, built: Any) -> None:
    failed = run(folder, "build", "--set", "variants.small.search.keep.bytes=1000", check=3)
    assert f"of {TRIED} candidates none keeps the bounds on 75 held-back samples" in failed.stderr
    lines = [line.strip() for line in failed.stderr.splitlines() if "must be <= 1000" in line]
    assert len(lines) == 3
    assert lines[0].startswith("{quantize: {to: uint8, levels: ") and "KB" in lines[0]


def test_a_short_search_says_how_many_it_tried(folder: Path, built: Any) -> None:
    search = ["--set", "variants.small.search.minutes=0.001"]
    shown = run(folder, "validate", *search)
    assert "1 candidate tried" in shown.stderr
    assert "what else there was would have ended after 0.001 minutes" in shown.stderr
    assert "found {}" in shown.stderr, "float32 is what there is"


def test_a_killed_search_goes_on_where_it_was(folder: Path, built: Any) -> None:
    # Another variant's artifacts are other files: there is something to do, and so to kill.
    raw = yaml.safe_load((folder / "digits.yaml").read_text())
    raw["variants"]["tiny"] = raw["variants"].pop("small")
    raw["variants"]["tiny"]["search"]["techniques"] = ["float16"]
    (folder / "tiny.yaml").write_text(yaml.safe_dump(raw))
    words = [PIPELINE, "validate", folder / "tiny.yaml", "--store", folder / "store", "--json"]
    before = []
    with subprocess.Popen(
        [*map(str, words)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            before += trials(line)
            if before:
                process.send_signal(signal.SIGKILL)
                break
    after = trials(run(folder, "validate", "--json", name="tiny.yaml").stderr)
    assert [one["recipe"] for one in after] == [{}, {"quantize": "float16"}]
    assert after[:1] == before, "with the seconds that they took then"


def test_nothing_of_the_test_split_decides(folder: Path, built: Any, tmp_path: Path) -> None:
    """With noise and wrong labels for a test split, every measurement is the same.

    All but the samples comes from the store: the light lane is all that there is.
    """
    write_samples(tmp_path / "samples.npz", poisoned=True)
    poisoned = load_config(config(tmp_path / "digits.yaml"))
    clean = load_config(folder / "digits.yaml")
    store = Store(folder / "store")

    class NoTensorFlow(LocalLanes):
        def submit(self, lane: str, *args: Any, **more: Any) -> Any:
            assert lane == "light", "a measurement is made anew"
            return super().submit(lane, *args, **more)

    with store.in_use(), NoTensorFlow(tmp_path / "logs") as lanes:
        found = [search_all(one, store, lanes, None)[1].outcomes for one in (clean, poisoned)]
    measured = [[{**t, "seconds": 0} for t in one["small"]["trials"]] for one in found]
    assert measured[0] == measured[1]
    assert measured[0][0]["quality"] > 0.95, "of a poisoned split it would be none"
    shutil.rmtree(tmp_path / "logs", ignore_errors=True)


class Dropping(LocalLanes):
    """What makes one candidate loses its connection."""

    def submit(self, lane: str, function: Any, *args: Any, **more: Any) -> Any:
        if args[0].label == "package onnx/drop" and "float16" in args[0].options:
            future: Future[Any] = Future()
            future.set_exception(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
            return future
        return super().submit(lane, function, *args, **more)


def test_a_candidate_that_fails_by_chance_is_tried_again(folder: Path, built: Any) -> None:
    raw = yaml.safe_load((folder / "digits.yaml").read_text())
    raw["variants"]["drop"] = raw["variants"].pop("small")
    raw["variants"]["drop"]["search"]["techniques"] = ["float16"]
    (folder / "drop.yaml").write_text(yaml.safe_dump(raw))
    asked, store = load_config(folder / "drop.yaml"), Store(folder / "store")
    found = []
    for kind in (Dropping, LocalLanes):
        with store.in_use(), kind(folder / "logs") as lanes:
            outcome = search_all(asked, store, lanes, None)[1].outcomes["drop"]
        found.append([(one["recipe"], one["error"]) for one in outcome["trials"]])
    float16 = {"quantize": "float16"}
    dropped = "package onnx/drop: Connection reset by peer"
    assert found == [[({}, ""), (float16, dropped)], [({}, ""), (float16, "")]]


def test_what_a_trial_is_kept_under_and_what_an_epoch_may_take(
    folder: Path, built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = jobs(load_config(folder / "digits.yaml"))
    store, recipe = Store(folder / "store"), {"quantize": "uint8"}
    searching = Searching(job, store, NoLanes(), SilentSearch())
    before, others = searching.trial_key(recipe), searching.trial_key({})
    monkeypatch.setitem(vars(uint8.CODEC), "version", -1)
    assert searching.trial_key(recipe) != before, "another version makes another model"
    assert searching.trial_key({}) == others
    planned = plan_trial(job, {})
    base = run_plan(planned.plan, store, NoLanes(), SilentSearch())
    seconds = epoch_seconds(job, MeasuredTrial(planned, base.results, store))
    assert 0.05 < seconds < 300, "ten inferences of each of 225 samples"


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"on": "tfjs-wasm"}, "tfjs-wasm@chromium does not run onnx|tfjs-wasm does not run onnx"),
        ({"on": "onnxruntime-cup"}, 'did you mean "onnxruntime-cpu"'),
        ({"format": "tfjs-graph"}, "tfjs-graph is not exported"),
        ({"techniques": ["uint7"]}, "knows no uint7; known are"),
        ({"minimize": "latency"}, "latency needs the key on"),
        ({"minimise": "bytes"}, 'did you mean "minimize"'),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(
    folder: Path, tmp_path: Path, search: dict[str, Any], said: str
) -> None:
    from pipeline.build.batch import plan_configs

    shutil.copy(folder / "samples.npz", tmp_path)
    with pytest.raises(ConfigError, match=said):
        plan_configs([config(tmp_path / "digits.yaml", **search)])
