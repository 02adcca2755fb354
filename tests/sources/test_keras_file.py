"""Keras files of both libraries load; files that would run code or read others do not."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly

from pipeline.base.errors import SourceError
from pipeline.sources import keras_file
from pipeline.sources.keras.application_layers import application_layers
from pipeline.sources.keras.safety import check_config
from pipeline.sources.load import load


def pull(file: Path, folder: Path) -> Path:
    folder.mkdir()
    keras_file.pull({"path": file}, keras_file.Options(path=file), folder)
    return folder


def small(keras: Any) -> Any:
    image, vector = keras.Input((4, 4, 3), name="image"), keras.Input((3,), name="vector")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 2, activation="relu6")(image))
    total = keras.layers.Add(name="total")([x, vector])
    probabilities = keras.layers.Dense(2, activation="softmax", name="probabilities")(total)
    built = keras.Model([image, vector], [probabilities, total])
    built.compile("adam", ["mse", "mse"])
    return built


#: Each library and each kind of file; nightly each with each.
SAVED = pytest.mark.parametrize(
    ("library", "suffix"),
    [
        *(("keras", "keras"), ("tf_keras", "h5")),
        *(nightly("keras", "h5"), nightly("tf_keras", "keras")),
    ],
)


@SAVED
def test_loads_what_both_libraries_save(library: str, suffix: str, tmp_path: Path) -> None:
    import tensorflow as tf

    original = small(pytest.importorskip(library))
    original.save(tmp_path / f"given.{suffix}")
    loaded = load(pull(tmp_path / f"given.{suffix}", tmp_path / "source"))
    assert [spec.name for spec in loaded.signature.inputs] == ["image", "vector"]
    assert [spec.name for spec in loaded.signature.outputs] == ["probabilities", "total"]
    assert loaded.signature.inputs[0].shape == (None, 4, 4, 3)
    random = np.random.default_rng(0)
    image = random.normal(size=(2, 4, 4, 3)).astype("float32")
    vector = random.normal(size=(2, 3)).astype("float32")
    expected = original.predict([image, vector], verbose=0)
    given = {"image": image, "vector": vector}
    tensors = {loaded.arguments[name]: tf.constant(value) for name, value in given.items()}
    found = loaded.function(**tensors)
    for name, value in zip(["probabilities", "total"], expected, strict=True):
        np.testing.assert_allclose(found[loaded.results[name]], value, atol=1e-5)
    assert loaded.keras is not None
    one, other = loaded.keras(), loaded.keras()
    assert one is not other
    for value, twin in zip(expected, one.predict([image, vector], verbose=0), strict=True):
        np.testing.assert_allclose(twin, value, atol=1e-5)


def test_the_shorthand_is_the_path(tmp_path: Path) -> None:
    options = keras_file.Options.model_validate(str(tmp_path / "m.keras"))
    assert options.local_paths() == {"path": tmp_path / "m.keras"}


def refuse(file: Path, tmp_path: Path) -> str:
    with pytest.raises(SourceError) as error:
        pull(file, tmp_path / "source")
    assert list((tmp_path / "source").iterdir()) == []
    return str(error.value)


@SAVED
def test_lambda_is_refused_also_in_a_model_inside(
    library: str, suffix: str, tmp_path: Path
) -> None:
    keras = pytest.importorskip(library)
    inner = keras.Sequential(
        [keras.Input((2,)), keras.layers.Lambda(lambda x: x, output_shape=(2,), name="bad")],
        name="inner",
    )
    inputs = keras.Input((2,))
    keras.Model(inputs, inner(inputs)).save(tmp_path / f"m.{suffix}")
    message = refuse(tmp_path / f"m.{suffix}", tmp_path)
    assert "refused layer 'bad' (Lambda): it holds Python code" in message
    assert "export it as a SavedModel and use source saved_model" in message
    source = tmp_path / "made elsewhere"
    source.mkdir()
    name = f"model.{suffix}"
    (tmp_path / f"m.{suffix}").rename(source / name)
    with pytest.raises(SourceError, match=r"refused layer 'bad' \(Lambda\)"):
        keras_file.load(source, {"path": name})


def entry(kind: str, module: str | None = None, registered: Any = None, **config: Any) -> Any:
    found = {"class_name": kind, "config": {"name": "bad", **config}, "registered_name": registered}
    return found if module is None else {**found, "module": module}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (entry("Mine", "evil_module"), "custom class of 'evil_module'"),
        (entry("Dense", "keras.layers", "pkg>Dense"), "(pkg>Dense): it is a custom class"),
        (entry("get_file", "keras.utils"), "custom class of 'keras.utils'"),
        (entry("load_model", "keras.models"), "custom class of 'keras.models'"),
        (entry("Popen", "subprocess"), "custom class of 'subprocess'"),
        (entry("TorchModuleWrapper", "keras.layers"), "another framework"),
        (entry("TFSMLayer", "keras.layers", filepath="x"), "another framework"),
        (entry("StringLookup", "keras.layers", vocabulary="/etc/passwd"), "a table of words"),
        (entry("IntegerLookup", "keras.layers", vocabulary="/etc/passwd"), "names a file to read"),
        (entry("LayerScale", "keras.src.applications.vgg16"), "custom class of 'keras.src."),
        (entry("get_file", "keras.src.applications.convnext"), "custom class of 'keras.src."),
        (entry("TensorFlowOpLayer", node_def="x"), "any TensorFlow operation"),
        (entry("TFOpLambda", function="io.write_file"), "it calls tf.io.write_file"),
        (entry("TFOpLambda", function="py_function"), "it calls tf.py_function"),
        (entry("TFOpLambda", function="math.add.__globals__"), "not on the list"),
        (
            entry(
                "Dense",
                "keras.layers",
                activation={
                    "class_name": "function",
                    "module": "keras.utils",
                    "config": "get_file",
                },
            ),
            "it calls keras.utils.get_file",
        ),
        (
            entry("Dense", activation={"class_name": "__lambda__", "config": {"value": "x"}}),
            "holds Python code",
        ),
    ],
)
def test_names_outside_the_lists_are_refused(layer: Any, message: str) -> None:
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [layer]}}
    with pytest.raises(SourceError) as error:
        check_config(json.dumps(config), "m.keras")
    assert "m.keras: refused layer 'bad'" in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_layers_of_applications_load(library: str, tmp_path: Path) -> None:
    """Classes of Keras that have no public name, in a file of each kind."""
    keras = pytest.importorskip(library)
    known = application_layers(library)
    a, b = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
    scaled = known["LayerScale"](0.5, 3)(a)
    summed = known["CustomScaleLayer"](0.3)([scaled, known["StochasticDepth"](0.1)(b)])
    model = keras.Model([a, b], summed)
    model.save(tmp_path / "model.keras")
    source = tmp_path / "source"
    source.mkdir()
    keras_file.write_source(tmp_path / "model.keras", source)
    twin: Any = load(source).keras
    batch = [np.full((1, 4, 4, 3), value, np.float32) for value in (1, 2)]
    found = twin().predict(batch, verbose=0)
    np.testing.assert_allclose(found, np.full((1, 4, 4, 3), 0.5 + 0.3 * 2), rtol=1e-5)


def test_deeply_nested_config_is_an_error_not_a_crash() -> None:
    with pytest.raises(SourceError, match=r"config cannot be read"):
        check_config('{"class_name":' * 100_000, "m.keras")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    file = tmp_path_factory.mktemp("good") / "good.keras"
    small(keras).save(file)
    return file


def changed(good: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


@pytest.mark.parametrize("name", ["../evil.h5", "/evil.h5", "assets/x.txt", "evil.py"])
def test_members_that_keras_does_not_write_are_refused(
    name: str, good: Path, tmp_path: Path
) -> None:
    file = changed(good, tmp_path / "m.keras", lambda members: members.update({name: b"x"}))
    assert f"its member {name!r} is none that Keras needs" in refuse(file, tmp_path)


def test_a_bomb_is_refused_unread(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_file, "MAX_BYTES", 1000)
    assert "it unpacks to more than 1,000 bytes" in refuse(good, tmp_path)


def test_a_weights_link_to_another_file_is_refused(good: Path, tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["x"] = h5py.ExternalLink("/etc/passwd", "/")
    content = (tmp_path / "w.h5").read_bytes()
    file = changed(good, tmp_path / "m.keras", lambda m: m.update({"model.weights.h5": content}))
    assert "m.keras (model.weights.h5): refused '/x'" in refuse(file, tmp_path)


def test_unknown_versions_and_other_files(good: Path, tmp_path: Path) -> None:
    new = json.dumps({"keras_version": "9.1"}).encode()
    file = changed(good, tmp_path / "m.keras", lambda m: m.update({"metadata.json": new}))
    assert "it was written by Keras 9.1, not 2 or 3" in refuse(file, tmp_path)
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(SourceError, match="not an HDF5 file"):
        keras_file.check(tmp_path / "text.keras", "text.keras")


def of_no_model(config: dict[str, Any]) -> None:
    config.update(class_name="Dense", config={"units": 2}, build_config={"input_shape": [None, 3]})


def with_a_number_for_a_name(config: dict[str, Any]) -> None:
    text = json.dumps(config["config"]).replace('"number"', "7")
    config["config"] = json.loads(text)


@pytest.mark.parametrize("change", [of_no_model, with_a_number_for_a_name])
def test_a_config_that_keras_takes_and_that_makes_no_model_is_told(
    change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    import tf_keras

    given = tf_keras.Input(3, name="number")
    tf_keras.Model(given, tf_keras.layers.Dense(2)(given)).save(tmp_path / "whole.keras")

    def write(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config).encode()

    file, work = changed(tmp_path / "whole.keras", tmp_path / "m.keras", write), tmp_path / "work"
    work.mkdir()
    keras_file.write_source(file, work)
    with pytest.raises(SourceError, match=r"tf_keras 2\.\d+\.\d+ cannot load it"):
        load(work)


def test_weights_only_says_so(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["kernel"] = np.zeros(3)
    message = refuse(tmp_path / "w.h5", tmp_path)
    assert "this HDF5 file holds weights only, no model" in message
