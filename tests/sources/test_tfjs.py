"""TF.js models as sources: graphs and layers, and TF.js as what is right."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import http_server
import numpy as np
import pytest
import yaml
from commands import pipeline
from nightly import nightly
from source_models import source_of

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.base.errors import GateError, RunError, SourceError
from pipeline.base.options import NoOptions
from pipeline.download.fetch import fetch
from pipeline.export import freeze, tfjs_graph, tfjs_layers
from pipeline.export.tfjs_graph.packaging import PackageOptions, package
from pipeline.measures.parity import compare
from pipeline.sources import tfjs, url
from pipeline.sources.load import load
from pipeline.sources.tfjs import files
from pipeline.validate import golden

Arrays = Mapping[str, np.ndarray[Any, Any]]
Change = Callable[[dict[str, Any]], None]
IMAGES = {"image": np.random.default_rng(0).normal(0, 1, (3, 8, 8, 3)).astype(np.float32)}


def write_keras(path: Path) -> None:
    """What TF.js has operators of its own for: layers with activations behind them, and PReLU."""
    import tf_keras as keras

    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", name="first")(image)
    x = keras.layers.PReLU(shared_axes=[1, 2], alpha_initializer="uniform", name="bent")(x)
    x = keras.layers.DepthwiseConv2D(3, activation="relu", bias_initializer="normal")(x)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
    answers = {
        "classes": keras.layers.Dense(3, activation="softmax", bias_initializer="normal")(x),
        "size": keras.layers.Dense(1, activation="tanh")(x),
    }
    keras.Model(image, answers).save(path)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """``model.json`` by artifact, as this pipeline publishes them."""
    folder = tmp_path_factory.mktemp("tfjs")
    write_keras(folder / "small.h5")
    source, frozen = source_of(folder / "small.h5", folder / "source"), folder / "frozen"
    frozen.mkdir()
    freeze.freeze({"source": source}, NoOptions(), frozen)
    found = {}
    for made in (tfjs_graph, tfjs_layers):
        name = made.FORMAT.name
        converted = folder / name
        converted.mkdir()
        paths = {"source": source, "frozen": frozen}
        inputs = {name: paths[name] for name in made.convert.inputs}
        made.convert(inputs, NoOptions(), converted)
        for codec in (None, "float16"):
            artifact = folder / f"{name} {codec}"
            artifact.mkdir()
            options = PackageOptions(format=name, variant="any", shard_bytes=1000, codec=codec)
            package({"model": converted}, options, artifact)
            found[f"{name} {codec or 'float32'}"] = ArtifactFolder(artifact).entry
    return found


@pytest.fixture
def change(models: dict[str, Path], tmp_path: Path) -> Callable[[Change], Path]:
    """Copies the graph in fp32 and changes its ``model.json``."""

    def changed(make: Change) -> Path:
        source = models["tfjs-graph float32"]
        model = json.loads(source.read_text())
        for path in model["weightsManifest"][0]["paths"]:
            shutil.copy(source.parent / path, tmp_path)
        make(model)
        (tmp_path / "model.json").write_text(json.dumps(model))
        return tmp_path / "model.json"

    return changed


def pulled(model: Path, folder: Path) -> Path:
    """The SOURCE folder of a ``model.json``."""
    folder.mkdir()
    options = tfjs.Options(path=model)
    tfjs.pull(options.local_paths(), options, folder)
    return folder


def outputs_of(model: Path, folder: Path, inputs: Arrays = IMAGES) -> tuple[Arrays, Arrays]:
    """What the graph made of it computes, and what TF.js does."""
    loaded = load(pulled(model, folder))
    return golden.run_in_tensorflow(loaded, inputs), golden.run(loaded, inputs)


@pytest.mark.parametrize(
    "artifact",
    [
        *("tfjs-graph float32", "tfjs-layers float16"),
        *map(nightly, ("tfjs-graph float16", "tfjs-layers float32")),
    ],
)
def test_the_graph_computes_what_tfjs_does(
    artifact: str, models: dict[str, Path], tmp_path: Path
) -> None:
    ours, theirs = outputs_of(models[artifact], tmp_path / "source")
    assert len(ours) == 2
    assert compare(ours, theirs, {})["relative_error"] < 1e-5


def test_a_signature_of_old_converters_is_read(
    change: Callable[[Change], Path], tmp_path: Path
) -> None:
    def age(model: dict[str, Any]) -> None:
        signature = model.pop("signature")
        for side in signature.values():
            for entry in [*side.values()]:
                entry["name"] = f"{entry['name'].removesuffix(':0')}:0"
                side[entry["name"]] = entry
        for side in signature.values():
            for name in [name for name in side if not name.endswith(":0")]:
                del side[name]
        model["userDefinedMetadata"] = {"signature": signature}

    ours, theirs = outputs_of(change(age), tmp_path / "source")
    assert len(ours) == 2
    assert not any(":" in name for name in ours)
    assert compare(ours, theirs, {})["relative_error"] < 1e-5


def test_without_a_signature_inputs_are_placeholders_and_outputs_what_nothing_reads(
    change: Callable[[Change], Path], tmp_path: Path
) -> None:
    loaded = load(pulled(change(lambda model: model.pop("signature")), tmp_path / "source"))
    assert [spec.shape for spec in loaded.signature.inputs] == [(None, 8, 8, 3)]
    assert [spec.shape for spec in loaded.signature.outputs] == [(None, 3), (None, 1)]


def test_it_is_built_proved_against_tfjs_and_published(
    models: dict[str, Path], tmp_path: Path
) -> None:
    config = {
        "name": "small",
        "license": "Apache-2.0",
        "task": "tensors",
        "source": {"tfjs": str(models["tfjs-graph float16"])},
        "samples": {"random": {"count": 4}},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
        "validate": {"backends": ["onnxruntime-cpu", "tensorflow"]},
        "publish": {"compress": "quick"},
    }
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(config))
    words = ("build", "again.yaml", "--store", "store", "--set", "publish.to=cdn")
    pipeline(*words, cwd=tmp_path)
    (manifest,) = tmp_path.glob("cdn/small/releases/*/manifest.json")
    described = json.loads(manifest.read_text())
    assert described["source"]["kind"] == "tfjs"
    assert described["source"]["reference"].startswith("TF.js 4.22")
    results = [one for artifact in described["artifacts"] for one in artifact["validation"]]
    assert len(results) == 2
    assert all(one["parity"]["relative_error"] < 1e-5 for one in results)


def test_a_graph_that_computes_something_else_is_told_before_any_artifact(
    models: dict[str, Path], tmp_path: Path
) -> None:
    loaded = load(pulled(models["tfjs-graph float32"], tmp_path / "source"))
    assert loaded.reference is not None
    theirs = golden.run(loaded, IMAGES)
    ours = {name: values * 1.01 for name, values in theirs.items()}
    with pytest.raises(GateError, match=r"does not compute what TF.js 4.* does: classes is off"):
        golden._check_graph(loaded.reference, theirs, ours)


def test_what_tfjs_cannot_run_is_an_error_with_its_reason(
    models: dict[str, Path], tmp_path: Path
) -> None:
    loaded = load(pulled(models["tfjs-graph float32"], tmp_path / "source"))
    assert loaded.reference is not None
    with pytest.raises(RunError, match=r"TF.js cannot run it: .*shape"):
        loaded.reference.run({"image": np.zeros((1, 8, 9, 3), np.float32)})
    # It goes on with the next batch.
    assert loaded.reference.run({"image": IMAGES["image"]}).keys() == {"classes", "size"}


def test_weight_files_are_part_of_what_it_is(
    change: Callable[[Change], Path], tmp_path: Path
) -> None:
    options = tfjs.Options(path=change(lambda model: None))
    paths = options.local_paths()
    assert len(paths) >= 2
    assert all(path.parent == tmp_path for path in paths.values())
    assert options.key() == {}


def test_an_archive_of_one_is_told_by_its_content(models: dict[str, Path], tmp_path: Path) -> None:
    source = models["tfjs-graph float32"]
    with tarfile.open(tmp_path / "download", "w:gz") as archive:
        archive.add(source, "model/model.json")
        for path in json.loads(source.read_text())["weightsManifest"][0]["paths"]:
            archive.add(source.parent / path, f"model/{path}")
    digest = hashlib.sha256((tmp_path / "download").read_bytes()).hexdigest()
    options = url.Options(url="https://host.example/1?tf-hub-format=compressed", sha256=digest)
    work = tmp_path / "work"
    work.mkdir()
    url.pull({"file": tmp_path / "download"}, options, work)
    assert load(work).signature == load(pulled(source, tmp_path / "source")).signature


def test_a_model_at_an_address_comes_with_its_weights(
    models: dict[str, Path], tmp_path: Path
) -> None:
    source = models["tfjs-graph float32"]
    weights = json.loads(source.read_text())["weightsManifest"][0]["paths"]
    with http_server.running_server() as site:
        address = site.put("at/model.json", source.read_bytes()) + "?as=file"
        for name in weights:
            site.put(f"at/{name}", (source.parent / name).read_bytes())
        with pytest.raises(SourceError) as caught:
            fetched(url.Options(url=address), tmp_path / "alone")
        told = SourceError(
            f"its weights are in other files, and {len(weights)} of {len(weights)} are not named",
            where=site.url("at/model.json"),
            todo=f"add beside to the source: [{', '.join(weights)}]",
        )
        assert str(caught.value) == str(told)
        whole = fetched(url.Options(url=address, beside=weights), tmp_path / "whole")
        assert load(whole).signature == load(pulled(source, tmp_path / "source")).signature
        assert {request.path.rpartition("?")[2] for request in site.requests} == {"as=file"}
        site.put(f"at/{weights[0]}", b"<html>")
        with pytest.raises(SourceError, match="its weights need") as caught:
            fetched(url.Options(url=address, beside=weights), tmp_path / "cut")
        assert str(tmp_path) not in str(caught.value)


def fetched(options: url.Options, folder: Path) -> Path:
    """The SOURCE folder of what is at an address."""
    files = {
        name: fetch(file, folder / "downloads", progress=lambda *_: None).path
        for name, file in url.remote_files(options).items()
    }
    (folder / "source").mkdir()
    url.pull(files, options, folder / "source")
    return folder / "source"


def _set(*where: str | int, to: Any) -> Change:
    def make(model: Any) -> None:
        for key in where[:-1]:
            model = model[key]
        model[where[-1]] = to

    return make


def _node(operator: str) -> Change:
    def make(model: Any) -> None:
        node = next(n for n in model["modelTopology"]["node"] if n["op"] == "Softmax")
        node["op"] = operator

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_set("weightsManifest", 0, "paths", to=["../../secret.bin"]), "outside of the model's"),
        (_set("weightsManifest", 0, "paths", to=["C:\\secret.bin"]), "outside of the model's"),
        (_set("weightsManifest", 0, "paths", to=["lost.bin"]), "'lost.bin' is not beside"),
        (_set("weightsManifest", 0, "weights", 0, "shape", to=[10**9]), "need 4,0"),
        (_set("weightsManifest", 0, "weights", 0, "shape", to=[-1]), "shape.0: Input should be"),
        (_set("weightsManifest", 0, "weights", 0, "dtype", to="string"), "holds text"),
        (_set("weightsManifest", to={}), "does not describe its weights"),
        (_set("modelTopology", to=[]), "no modelTopology"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused(
    make: Change, message: str, change: Callable[[Change], Path], tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=message):
        pulled(change(make), tmp_path / "source")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_node("ReadFile"), "ReadFile would touch files"),
        (_node("Nonsense"), "operations that TensorFlow does not have: Nonsense"),
        (_set("weightsManifest", 0, "weights", 0, "name", to="other"), "belongs to no node"),
        (_set("modelTopology", "node", to=[{"name": "a", "op": "Add"}]), "belongs to no node"),
        (_set("modelTopology", "node", 0, "attr", to={"T": 7}), "TensorFlow does not take"),
    ],
)
def test_graphs_that_may_not_run_are_refused(
    make: Change, message: str, change: Callable[[Change], Path], tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=message):
        load(pulled(change(make), tmp_path / "source"))


def test_layers_that_hold_code_are_refused(models: dict[str, Path], tmp_path: Path) -> None:
    source = pulled(models["tfjs-layers float32"], tmp_path / "source")
    model = json.loads((source / files.MODEL).read_text())
    topology = model["modelTopology"]
    config = topology.get("model_config", topology)["config"]
    config["layers"][-1]["class_name"] = "Lambda"
    (source / files.MODEL).write_text(json.dumps(model))
    with pytest.raises(SourceError, match="Lambda"):
        load(source)


def test_damaged_files_are_refused_and_never_a_traceback(
    models: dict[str, Path], tmp_path: Path
) -> None:
    """Bytes of the model.json are changed at random: it loads, or is refused with a reason."""
    source = models["tfjs-graph float32"]
    content = source.read_bytes()
    paths = json.loads(content)["weightsManifest"][0]["paths"]
    chance, refused = np.random.default_rng(3), 0
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir()
        for path in paths:
            shutil.copy(source.parent / path, folder)
        damaged = bytearray(content)
        for place in chance.integers(0, len(content), 1 + number % 4):
            damaged[place] = chance.integers(32, 127)
        (folder / "model.json").write_bytes(damaged)
        try:
            load(pulled(folder / "model.json", folder / "source"))
        except SourceError:
            refused += 1
    assert 0 < refused < 60
