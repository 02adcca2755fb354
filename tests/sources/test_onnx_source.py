"""ONNX models as sources: what TensorFlow and every artifact compute is what onnxruntime does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx_networks as networks
import pytest
import yaml
from commands import pipeline
from nightly import nightly
from onnx import ModelProto, external_data_helper
from onnx_to_tensorflow import model_of, reference
from source_models import check_everywhere, make

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.base.errors import SourceError
from pipeline.sources import onnx
from pipeline.sources.cut import CutOptions, cut
from pipeline.sources.load import load
from pipeline.validate import golden


def saved(model: ModelProto, folder: Path) -> Path:
    path = folder / "small.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def pulled(path: Path, folder: Path, **options: Any) -> Path:
    folder.mkdir()
    chosen = onnx.Options(path=path, **options)
    onnx.pull(chosen.local_paths(), chosen, folder)
    return folder


def agree(folder: Path, feeds: dict[str, Any], tolerance: float = 1e-5) -> dict[str, Any]:
    """What onnxruntime computes, which TensorFlow does too."""
    loaded = load(folder)
    wanted = golden.run(loaded, feeds)
    computed = golden.run_in_tensorflow(loaded, feeds)
    assert list(wanted) == [spec.name for spec in loaded.signature.outputs]
    for spec in loaded.signature.outputs:
        assert computed[spec.name].dtype == wanted[spec.name].dtype == spec.dtype
        np.testing.assert_allclose(
            computed[spec.name], wanted[spec.name], atol=tolerance, rtol=1e-5
        )
    return wanted


def test_names_shapes_and_values(tmp_path: Path) -> None:
    model = networks.encoder()
    model.graph.output[0].name = model.graph.node[-1].output[0] = "last hidden/state:0"
    folder = pulled(saved(model, tmp_path), tmp_path / "source", dimensions={"sequence": 7})
    loaded = load(folder)
    inputs, (output,) = loaded.signature.inputs, loaded.signature.outputs
    assert [(s.name, s.dtype, s.shape) for s in inputs] == [
        ("input_ids", "int64", (None, 7)),
        ("attention_mask", "int64", (None, 7)),
    ]
    assert (output.name, output.renamed_from) == ("last_hidden_state_0", "last hidden/state:0")
    assert loaded.reference is not None
    assert loaded.reference.name.startswith("ONNX Runtime 1.")
    feeds = networks.tokens(7)
    theirs = reference(model, feeds)["last hidden/state:0"]
    np.testing.assert_array_equal(agree(folder, feeds)["last_hidden_state_0"], theirs)


def test_half_precision(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, w = (random.normal(0, 1, shape).astype(np.float16) for shape in ((2, 4), (4, 3)))
    path = saved(model_of(["y = MatMul(x, w)"], {"x": x}, {"w": w}), tmp_path)
    agree(pulled(path, tmp_path / "source"), {"x": x.astype(np.float32)}, tolerance=1e-2)
    loaded = load(tmp_path / "source")
    assert loaded.signature.inputs[0].converted_from == "float16"
    assert onnx.SOURCE.narrow(onnx.Options(path=path)) == ("float16",)
    path.write_bytes(path.read_bytes()[:-20] + bytes(range(240, 256)))
    assert onnx.SOURCE.narrow(onnx.Options(path=path)) in {(), ("float16",)}
    assert onnx.SOURCE.narrow(onnx.Options(path=saved(networks.resnet(), tmp_path))) == ()


def test_a_cut_in_front_of_what_is_not_converted(tmp_path: Path) -> None:
    lines = [
        "a = Abs(x)",
        "s = Mul(a, x2)",
        "f = Flatten[axis=0](s)",
        "r = Reshape(f, o)",
        "y = Unique(r)",
    ]
    x, x2 = np.float32([[1, -2, 3]]), np.float32([[2, 2, 2]])
    model = model_of(lines, {"x": x, "x2": x2}, {"o": np.array([-1])})
    model.graph.node[2].name = "/decode/Flatten"
    folder = pulled(saved(model, tmp_path), tmp_path / "source")
    with pytest.raises(
        SourceError, match=r"Unique at 'y'\n  name tensors before them under source"
    ):
        load(folder)
    parts: list[tuple[Any, list[str]]] = [
        ({"answers": "/decode/Flatten"}, ["answers"]),
        (["a", "s"], ["a", "s"]),
    ]
    for number, (outputs, names) in enumerate(parts):
        part = tmp_path / f"part {number}"
        part.mkdir()
        cut({"source": folder}, CutOptions(outputs=outputs), part)
        assert list(agree(part, {"x": x, "x2": x2})) == names
    only = tmp_path / "only"
    only.mkdir()
    cut({"source": folder}, CutOptions(outputs=["s"], fixed={"x2": 3.0}), only)
    np.testing.assert_array_equal(agree(only, {"x": x})["s"], [[3, 6, 9]])
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    cut({"source": folder}, CutOptions(outputs=["/decode/Flaten"]), wrong)
    with pytest.raises(SourceError, match="names like it are /decode/Flatten"):
        load(wrong)


def test_dimensions_that_there_are_not(tmp_path: Path) -> None:
    path = saved(networks.encoder(), tmp_path)
    with pytest.raises(
        SourceError, match="no dimension 'length'; its free ones are batch, sequence"
    ):
        load(pulled(path, tmp_path / "source", dimensions={"length": 3}))


def test_weights_in_files(tmp_path: Path) -> None:
    x, weight = np.ones(4, np.float32), np.arange(4, dtype=np.float32)
    model = model_of(["y = Mul(x, w)"], {"x": x}, {"w": weight})
    tensor = model.graph.initializer[0]
    tensor.raw_data = b"elsewhere"
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(weight.tobytes())
    external_data_helper.set_external_data(tensor, "weights/w.bin")
    tensor.ClearField("raw_data")
    path = saved(model, tmp_path)
    assert set(onnx.Options(path=path).local_paths()) == {"path", "weights 0"}
    np.testing.assert_array_equal(agree(pulled(path, tmp_path / "a"), {"x": x})["y"], weight)
    tensor.external_data[0].value = "../w.bin"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(SourceError, match=r"'\.\./w\.bin', outside the model's folder"):
        pulled(path, tmp_path / "b")


def test_other_files_are_no_models(tmp_path: Path) -> None:
    for content in (b"", b"\x08\x01\x12", b"\x08\x07\x12\x00", b"\x08\x07\x3a", b"<html>"):
        path = tmp_path / "file"
        path.write_bytes(content)
        assert not onnx.SOURCE.recognizes(path)
        with pytest.raises(SourceError, match="this is no ONNX model"):
            onnx.write_source(path, tmp_path)
    assert onnx.SOURCE.recognizes(saved(networks.mobilenet(), tmp_path))


def test_a_keras_model_there_and_back(tmp_path: Path) -> None:
    """Keras to ONNX by this pipeline, and that to TF.js and ONNX: the same numbers."""
    import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.Conv2DTranspose(6, 4, strides=2, padding="same", activation="swish")(x)
    y = keras.layers.GlobalAveragePooling2D()(keras.layers.UpSampling2D(2)(x))
    z = keras.layers.Dense(4, activation="softmax", name="classes")(y)
    keras.Model(image, [z, x]).save(tmp_path / "model.keras")
    there = make(tmp_path / "model.keras", tmp_path / "there")
    path = tmp_path / "there.onnx"
    converted = ConvertedOnnx(there.folder / "onnx")
    path.write_bytes(converted.outline().SerializeToString())
    back = make(path, tmp_path / "back")
    feeds = {"image": np.random.default_rng(0).uniform(-1, 1, (3, 12, 12, 3)).astype(np.float32)}
    check_everywhere(back, feeds)
    for name, wanted in there.source(feeds).items():
        np.testing.assert_allclose(back.source(feeds)[name], wanted, atol=1e-5)


@pytest.mark.parametrize(
    "network",
    [
        *map(nightly, (networks.mobilenet, networks.resnet, networks.suppressed)),
        networks.yolo,
        networks.encoder,
        networks.recurrent,
    ],
)
def test_networks_run_everywhere(network: Any, tmp_path: Path) -> None:
    path = saved(network(), tmp_path)
    others = {
        networks.encoder: networks.tokens(6),
        networks.recurrent: {"tokens": np.random.default_rng(0).integers(0, 40, (2, 7))},
        networks.suppressed: networks.boxes(),
    }
    feeds = others.get(network)
    made = make(path, tmp_path / "made")
    name = made.signature.inputs[0].name
    check_everywhere(made, feeds or {name: networks.image()})


def test_a_build(tmp_path: Path) -> None:
    saved(networks.resnet(), tmp_path)
    config = {
        "name": "small",
        "license": "Apache-2.0",
        "task": "tensors",
        "source": {"onnx": "small.onnx"},
        "samples": {"random": {"count": 4}},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
        "validate": {"backends": ["onnxruntime-cpu", "tensorflow"]},
        "publish": {"compress": "quick"},
    }
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(config))
    pipeline("build", "small.yaml", "--store", "store", "--set", "publish.to=cdn", cwd=tmp_path)
    (manifest,) = tmp_path.glob("cdn/small/releases/*/manifest.json")
    described = json.loads(manifest.read_text())
    assert described["source"]["kind"] == "onnx"
    assert described["source"]["reference"].startswith("ONNX Runtime 1.")
    results = [proof for artifact in described["artifacts"] for proof in artifact["validation"]]
    assert len(results) == 2
    assert all(proof["parity"]["relative_error"] < 1e-4 for proof in results)
