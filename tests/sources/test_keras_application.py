"""Keras applications: addresses, options, and weights fetched from a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import http_server
import numpy as np
import pytest
from http_server import Site, drop_after
from nightly import nightly
from pydantic import ValidationError

from pipeline.base.errors import SourceError
from pipeline.download.fetch import fetch
from pipeline.download.remote_file import Patience, RemoteFile
from pipeline.sources.keras_application import _FILES, Options, pull, remote_files
from pipeline.sources.load import load

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/"
IMAGES = np.random.default_rng(0).uniform(-1, 1, (8, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
IMAGES = IMAGES.astype(np.float32)
SMALL = {"name": "MobileNet", "alpha": 0.25, "input_size": 32}


@pytest.fixture
def site() -> Iterator[Site]:
    with http_server.running_server() as running:
        yield running


@pytest.fixture(scope="module")
def original() -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(7)
    model = tf_keras.applications.MobileNet(input_shape=(32, 32, 3), alpha=0.25, weights=None)
    # As they are, new weights give 0.001 for everything, so that any two models agree.
    for layer in model.layers:
        layer.momentum = 0  # statistics of these images, not of none
    model(IMAGES, training=True)
    spread = np.log(model(IMAGES, training=False)).std(axis=0).mean()
    kernel, bias = model.get_layer("conv_preds").get_weights()
    model.get_layer("conv_preds").set_weights([kernel * 2 / spread, bias])
    return model


@pytest.fixture(scope="module")
def weights(original: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "x.h5"
    original.save_weights(path)
    return path


def pulled(options: Options, file: Path, work: Path) -> Path:
    work.mkdir()
    pull({"weights": file}, options, work)
    return work


def test_from_a_server_that_breaks(
    original: Any, weights: Path, site: Site, tmp_path: Path
) -> None:
    url = site.put("mirror/mobilenet.h5", weights.read_bytes())
    site.faults = [http_server.answer(503), drop_after(1_000_000)]
    options = Options(**SMALL, weights=url)
    (remote,) = remote_files(options).values()
    patience = Patience(backoff_seconds=0.01)
    file = fetch(remote, tmp_path / "d", progress=lambda done, total: None, patience=patience)
    assert site.requests[2].first_byte == 1_000_000

    work = pulled(options, file.path, tmp_path / "work")
    assert sorted(path.name for path in work.iterdir()) == ["source.json", "weights.h5"]
    assert json.loads((work / "source.json").read_text()) == {
        "load": "keras_application",
        "path": "weights.h5",
        "sha256": file.sha256,
        "bytes": weights.stat().st_size,
        "name": "MobileNet",
        "alpha": 0.25,
        "input_size": 32,
        "classifier_activation": "softmax",
    }
    loaded = load(work)
    expected = original(IMAGES, training=False).numpy()
    assert np.std(expected, axis=0).max() > 0.01
    assert loaded.keras is not None
    for ours, theirs in zip(loaded.keras().weights, original.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    (spec,) = loaded.signature.inputs
    assert spec.shape == (None, 32, 32, 3)
    (output,) = loaded.signature.outputs
    assert output.shape == (None, 1000)
    result = loaded.function(**{loaded.arguments[spec.name]: IMAGES})
    np.testing.assert_allclose(result[loaded.results[output.name]], expected, atol=1e-4)


def test_whole_model_file_and_logits(original: Any, tmp_path: Path) -> None:
    original.save(tmp_path / "whole.h5")
    options = Options(**SMALL, weights=str(tmp_path / "whole.h5"), classifier_activation=None)
    assert options.local_paths() == {"weights": tmp_path / "whole.h5"}
    assert remote_files(options) == {}
    loaded = load(pulled(options, tmp_path / "whole.h5", tmp_path / "work"))
    (logits,) = loaded.function(**dict.fromkeys(loaded.arguments.values(), IMAGES)).values()
    exponents = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    expected = original(IMAGES, training=False).numpy()
    np.testing.assert_allclose(exponents / exponents.sum(1, keepdims=True), expected, atol=1e-4)


def test_first_mismatch_is_named(weights: Path, tmp_path: Path) -> None:
    work = pulled(Options(**SMALL | {"alpha": 0.5}), weights, tmp_path / "work")
    with pytest.raises(SourceError) as caught:
        load(work)
    assert caught.value.what == (
        "these weights do not fit MobileNet: layer 'conv1' takes a weight of shape "
        "(3, 3, 3, 16), the file has (3, 3, 3, 8) in 'conv1'"
    )
    assert caught.value.exit_code == 4


@pytest.mark.nightly  # a layer of another shape, as above
def test_other_number_of_classes(tmp_path: Path) -> None:
    import tf_keras

    ten = tf_keras.applications.MobileNet((32, 32, 3), alpha=0.25, classes=10, weights=None)
    ten.save_weights(tmp_path / "ten.h5")
    work = pulled(Options(**SMALL), tmp_path / "ten.h5", tmp_path / "work")
    with pytest.raises(SourceError, match=r"layer 'conv_preds' .*1000\), the file has .*10\)"):
        load(work)


def test_weights_without_the_top(tmp_path: Path) -> None:
    import tf_keras

    top = tf_keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
    top.save_weights(tmp_path / "top.h5")
    work = pulled(Options(**SMALL), tmp_path / "top.h5", tmp_path / "work")
    with pytest.raises(SourceError, match="the file has 54 layers with weights, the model 55"):
        load(work)


def test_another_form_of_weights(original: Any, tmp_path: Path) -> None:
    original.save_weights(tmp_path / "x.weights.h5")
    work = pulled(Options(**SMALL), tmp_path / "x.weights.h5", tmp_path / "work")
    with pytest.raises(SourceError, match="the file holds no layers as save_weights"):
        load(work)


def test_unsafe_weights_are_refused_when_pulled(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["conv1"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(SourceError, match="it is a link to another file"):
        pulled(Options(**SMALL), tmp_path / "x.h5", tmp_path / "work")


def test_input_that_is_too_small(weights: Path, tmp_path: Path) -> None:
    work = pulled(Options(name="InceptionV3", input_size=32), weights, tmp_path / "work")
    with pytest.raises(SourceError, match="InceptionV3 cannot be built with an input of 32x32"):
        load(work)


class AskedForError(Exception):
    """Ends tf_keras' own download before it begins."""


@pytest.mark.parametrize(
    ("name", "details"),
    [
        nightly("MobileNet", {"alpha": 0.25}),
        nightly("MobileNet", {"input_size": 128}),
        nightly("MobileNetV2", {}),
        ("MobileNetV2", {"alpha": 0.35, "input_size": 96}),
        nightly("MobileNetV3Small", {"alpha": 0.75}),
        nightly("MobileNetV3Large", {}),
        nightly("VGG16", {}),
        nightly("ResNet50", {}),
    ],
)
def test_address_is_the_one_that_tf_keras_uses(
    monkeypatch: pytest.MonkeyPatch, name: str, details: dict[str, Any]
) -> None:
    assert address_of_tf_keras(monkeypatch, name, details) == Options(name=name, **details).url


def address_of_tf_keras(monkeypatch: pytest.MonkeyPatch, name: str, details: dict[str, Any]) -> str:
    import tf_keras
    from tf_keras.src.utils import data_utils

    def asked(fname: str, origin: str, **_: object) -> str:
        raise AskedForError(origin)

    monkeypatch.setattr(data_utils, "get_file", asked)
    alpha = {"alpha": details["alpha"]} if "alpha" in details else {}
    size = Options(name=name, **details).size
    with pytest.raises(AskedForError) as caught:
        getattr(tf_keras.applications, name)(input_shape=(size, size, 3), **alpha)
    return str(caught.value)


def test_remote_file() -> None:
    assert remote_files(Options(name="MobileNetV2")) == {
        "weights": RemoteFile(
            f"{BASE}mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
            None,
            2**30,
            "get the file some other way and set source.keras_application.weights to its path",
        )
    }


def test_every_application_has_an_address() -> None:
    addresses = [Options(name=name).url for name in _FILES]
    assert len(set(addresses)) == len(_FILES)
    assert all(address.startswith(BASE) and "{" not in address for address in addresses)


def test_shorthand_and_key() -> None:
    assert Options.model_validate("MobileNetV2") == Options(name="MobileNetV2")
    mirror = Options(name="MobileNet", weights="https://me:secret@mirror.example/m.h5?t=secret")
    assert mirror.key()["weights"] == "https://mirror.example/m.h5"
    assert mirror.url == "https://me:secret@mirror.example/m.h5?t=secret"
    assert "weights" not in Options(name="MobileNet", weights=__file__).key()


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"name": "mobilenetv2"}, "did you mean 'MobileNetV2'?"),
        ({"name": "MobilNet"}, "did you mean 'MobileNet'?"),
        ({"name": "EfficientNetB0"}, "'EfficientNetB0' is none of ConvNeXtTiny, "),
        ({"name": "MobileNet", "alpha": 0.3}, "there is no MobileNet of alpha 0.3, only of 0.25,"),
        ({"name": "VGG16", "alpha": 0.5}, "there is no VGG16 of alpha 0.5, only of 1.0"),
        ({"name": "MobileNet", "input_size": 16}, "greater than or equal to 32"),
        ({"name": "MobileNet", "classifier_activation": "relu"}, "should be 'softmax'"),
    ],
)
def test_wrong_options(details: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options(**details)
    assert message in str(caught.value)


def test_weights_are_looked_for_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "mine.h5").write_bytes(b"")
    context = {"folder": tmp_path}
    found = Options.model_validate({"name": "MobileNet", "weights": "mine.h5"}, context=context)
    assert found.local_paths() == {"weights": tmp_path / "mine.h5"}
    with pytest.raises(ValidationError, match="there is no "):
        Options.model_validate({"name": "MobileNet", "weights": "imagnet"}, context=context)


def test_any_width_with_weights_of_ones_own() -> None:
    assert Options(name="MobileNet", alpha=0.3, weights=__file__).alpha == 0.3


@pytest.mark.parametrize("name", ["MobileNetV2", nightly("ConvNeXtTiny")])
def test_random_weights_tell_images_apart(name: str, tmp_path: Path) -> None:
    options = Options(name=name, weights="none", input_size=32)
    assert not remote_files(options)
    tmp_path.joinpath("s").mkdir()
    pull({}, options, tmp_path / "s")
    loaded = load(tmp_path / "s")
    given = {loaded.arguments[loaded.signature.inputs[0].name]: IMAGES[:4] * 127}
    (found,) = loaded.function(**{key: np.float32(value) for key, value in given.items()}).values()
    assert np.isfinite(found).all()
    assert np.std(found, axis=0).max() > 0.005
