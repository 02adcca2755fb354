"""Weights in files beside a graph, which no converter sees: the same numbers come of it.

What is large here is small, so that all of a tiny model is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly
from onnx_graphs import run as run_onnx
from plain_graph import said_of

from pipeline.artifacts import large
from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.large import LARGE_BYTES, LargeTensors, keys_of
from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.engine import step
from pipeline.export import onnx, tfjs_graph
from pipeline.export.freeze import freeze, run
from pipeline.export.onnx.files import EXTERNAL_BYTES
from pipeline.sources import keras_file

RANDOM = np.random.default_rng(3)


def dense() -> Any:
    from keras import Input, Sequential, layers

    return Sequential([Input([8]), layers.Dense(32, "relu"), layers.Dense(8)])


def convolutions() -> Any:
    """Batch norms to fold, groups to split."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input([9, 9, 3]),
            layers.Conv2D(16, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(16, 3, groups=2, padding="same"),
            layers.SeparableConv2D(16, 3),
            layers.BatchNormalization(),
            layers.Conv2DTranspose(4, 2),
            layers.Flatten(),
            layers.Dense(8, "softmax"),
        ]
    )


def attention() -> Any:
    """Kernels of three axes, which are reshaped; a table to look rows up in; positions."""
    import keras
    from keras import layers

    tokens = keras.Input([6], dtype="int32")
    x = layers.Embedding(40, 16)(tokens)
    x = layers.EinsumDense("abc,cde->abde", [None, 2, 8], bias_axes="de")(x)
    x = layers.Reshape([6, 16])(x)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, x))
    return keras.Model(tokens, layers.Dense(4)(x))


def recurrent() -> Any:
    """Weights that a loop reads stay in the graph."""
    from keras import Input, Sequential, layers

    return Sequential([Input([5, 4]), layers.LSTM(16), layers.Dense(4)])


by_name = {"ids": lambda value: getattr(value, "__name__", str(value))}


def frozen_of(model: Any, folder: Path) -> Path:
    """A FROZEN folder."""
    (folder / "source").mkdir(parents=True)
    (folder / "frozen").mkdir()
    model.save(folder / "model.keras")
    keras_file.write_source(folder / "model.keras", folder / "source")
    freeze({"source": folder / "source"}, NoOptions(), folder / "frozen")
    return folder / "frozen"


def artifacts_of(frozen: Path, folder: Path, codec: str | None = None) -> dict[str, ArtifactFolder]:
    """Both formats' artifacts, by format."""
    paths = {name: folder / name for name in ("c-onnx", "onnx", "c-tfjs", "tfjs-graph")}
    for path in paths.values():
        path.mkdir(parents=True)
    onnx.convert({"frozen": frozen}, onnx.ConvertOptions(), paths["c-onnx"])
    tfjs_graph.convert({"frozen": frozen}, NoOptions(), paths["c-tfjs"])
    chosen = onnx.PackageOptions(variant="v", codec=codec)
    onnx.package({"model": paths["c-onnx"]}, chosen, paths["onnx"])
    options = tfjs_graph.package.options_type(
        format="tfjs-graph", variant="v", shard_bytes=2**10, codec=codec
    )
    tfjs_graph.package({"model": paths["c-tfjs"]}, options, paths["tfjs-graph"])
    return {name: ArtifactFolder(paths[name]) for name in ("onnx", "tfjs-graph")}


def run_tfjs(artifact: ArtifactFolder, name: str, x: Any) -> Any:
    """The one output in TF.js' wasm backend, flat."""
    return np.array(said_of(artifact.folder, name, x, artifact.folder)["results"]["execute"])


def randomize(model: Any) -> None:
    """Moments of batch norms and biases that are not 0 and 1."""
    model.set_weights([RANDOM.uniform(0.2, 1, w.shape) - 0.5 * (w.ndim > 1)
                       for w in model.get_weights()])  # fmt: skip


@pytest.mark.parametrize("make", [dense, nightly(convolutions), nightly(attention)], **by_name)
def test_the_numbers_are_the_same(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make()
    randomize(model)
    monkeypatch.setattr(large, "LARGE_BYTES", EXTERNAL_BYTES)
    frozen = frozen_of(model, tmp_path / "large")
    assert keys_of(Frozen(frozen).outline())
    (spec,) = Frozen(frozen).signature.inputs
    shape = [2, *spec.shape[1:]]
    x = RANDOM.integers(0, 40, shape) if spec.dtype == "int32" else RANDOM.normal(0, 1, shape)
    x = x.astype(spec.dtype)
    expected, output = np.array(model(x)), Frozen(frozen).signature.outputs[0].name
    made = artifacts_of(frozen, tmp_path / "made")
    found = run_onnx(str(made["onnx"].entry), {spec.name: x})[output]
    np.testing.assert_allclose(found, expected, atol=2e-5)
    shown = run_tfjs(made["tfjs-graph"], spec.name, x)
    np.testing.assert_allclose(shown.reshape(expected.shape), expected, atol=2e-5)


@pytest.mark.parametrize("make", [dense, attention, recurrent], **by_name)
def test_it_runs(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make()
    monkeypatch.setattr(large, "LARGE_BYTES", EXTERNAL_BYTES)
    frozen = frozen_of(model, tmp_path)
    (spec,) = Frozen(frozen).signature.inputs
    x = np.ones([2, *spec.shape[1:]], spec.dtype)
    (found,) = run(frozen, {spec.name: x}).values()
    np.testing.assert_allclose(found, np.array(model(x)), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "codec"),
    [(dense, None), nightly(dense, "float16"), (dense, "uint8"), nightly(recurrent, None)],
    **by_name,
)
def test_the_bytes_are_the_same(
    make: Any, codec: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make()
    usual = artifacts_of(frozen_of(model, tmp_path / "usual"), tmp_path / "a", codec)
    monkeypatch.setattr(large, "LARGE_BYTES", EXTERNAL_BYTES)
    made = artifacts_of(frozen_of(model, tmp_path / "large"), tmp_path / "b", codec)
    for name, artifact in made.items():
        assert artifact.description == usual[name].description


def test_long_steps_tell_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE_BYTES", EXTERNAL_BYTES)
    told: list[tuple[float, str]] = []
    monkeypatch.setattr(step, "_progress", lambda *report: told.append(report))
    artifacts_of(frozen_of(dense(), tmp_path / "large"), tmp_path / "made")
    notes = {note.split(" MB ")[-1] for _, note in told}
    assert {"of weights written", "written"} <= notes
    assert max(fraction for fraction, _ in told) == 1


def test_a_converted_folder_gives_its_weights_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = dense()
    artifacts_of(frozen_of(model, tmp_path / "usual"), tmp_path / "a")
    monkeypatch.setattr(large, "LARGE_BYTES", EXTERNAL_BYTES)
    artifacts_of(frozen_of(model, tmp_path / "large"), tmp_path / "b")
    usual, made = (ConvertedOnnx(tmp_path / name / "c-onnx") for name in "ab")
    assert made.outline().ByteSize() < usual.outline().ByteSize()
    assert made.model() == usual.model()


def test_what_needs_all_in_one_graph_says_what_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "LARGE_BYTES", EXTERNAL_BYTES)
    frozen = Frozen(frozen_of(dense(), tmp_path))
    for key in keys_of(frozen.outline()).values():
        file = frozen.large.file(key)
        with file.open("r+b") as opened:
            opened.truncate(2**31)
    with pytest.raises(PipelineError, match="over 2 GiB"):
        frozen.graph_def()


def test_a_tensor_is_written_in_pieces_and_named_by_its_digest(tmp_path: Path) -> None:
    values = RANDOM.normal(size=(3, LARGE_BYTES)).astype(np.float32)
    tensors = LargeTensors(tmp_path / "large")
    key = tensors.keep(values.T)
    np.testing.assert_array_equal(tensors.read(key, np.float32, values.T.shape), values.T)
    assert tensors.keep(np.ascontiguousarray(values.T)) == key
    assert [path.name for path in tensors.folder.iterdir()] == [f"{key}.bin"]
