"""The few weights that do most damage stay float32, in every format, and outputs within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run
from nightly import nightly
from onnx_models import write_samples
from source_models import source_of

from pipeline.backends import onnxruntime_cpu, tensorflow
from pipeline.backends.web.backends import BACKENDS
from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.export import onnx, tfjs_graph, tfjs_layers
from pipeline.export.freeze import freeze as freeze_source
from pipeline.export.keep import KeepOptions
from pipeline.graphs.tensorflow.spread import spread
from pipeline.measures.keep import Keep
from pipeline.tensors.signature import TensorSpec

LENGTH, BINS = 128, 65

Array = np.ndarray[Any, Any]


def tones() -> Array:
    """[32, LENGTH] of a loud tone and one of a hundredth of it."""
    random, time = np.random.default_rng(0), np.arange(LENGTH)
    both = np.sin(2 * np.pi * time / LENGTH * random.uniform(3, 60, (32, 2))[..., None])
    found: Array = (both[:, 0] + 0.01 * both[:, 1]).astype(np.float32)
    return found


def basis() -> list[Array]:
    """Cosines and sines under a window, by octaves as a mel scale has them: no Fourier table."""
    angles = 2 * np.pi * np.outer(np.arange(LENGTH), np.geomspace(1 / LENGTH, 0.5, BINS))
    window = np.hanning(LENGTH)[:, None]
    return [(window * wave(angles)).astype(np.float32) for wave in (np.cos, np.sin)]


def listener(x: Any) -> dict[str, Any]:
    """A spectrum, its logarithm, and two layers."""
    import tensorflow as tf

    random = np.random.default_rng(1)
    cosines, sines = (tf.matmul(x, tf.constant(part)) ** 2 for part in basis())
    x = tf.math.log(cosines + sines + 1e-9)
    for size, more in ((BINS, 32), (32, 10)):
        weights = random.normal(0, size**-0.5, (size, more)).astype(np.float32)
        x = tf.tanh(tf.matmul(x, tf.constant(weights)))
    return {"y": x}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``frozen``, ``samples``, ``onnx`` and ``tfjs-graph``."""
    folder = tmp_path_factory.mktemp("keep")
    freeze(listener, [TensorSpec("x", "float32", (None, LENGTH))], folder / "frozen")
    write_samples(folder / "samples", x=tones())
    for module, options in ((onnx, onnx.ConvertOptions()), (tfjs_graph, NoOptions())):
        (folder / module.NAME).mkdir()
        module.convert({"frozen": folder / "frozen"}, options, folder / module.NAME)
    return folder


def package(
    module: Any, home: Path, work: Path, codec: str, keep: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """What ``artifact.json`` says of weights, of an artifact in ``work / "artifact"``."""
    inputs = {"model": home / module.NAME}
    if keep:
        (work / "kept").mkdir()
        options = KeepOptions(codec=codec, keep=Keep.model_validate(keep))
        module.FORMAT.keep(inputs | {"samples": home / "samples"}, options, work / "kept")
        inputs["kept"] = work / "kept"
    step = module.FORMAT.package
    known = {"format": module.NAME, "variant": "v", "shard_bytes": 2**22, "codec": codec}
    chosen = {key: known[key] for key in step.options_type.model_fields if key in known}
    (work / "artifact").mkdir()
    step(inputs, step.options_type(**chosen), work / "artifact")
    said: dict[str, Any] = json.loads((work / "artifact/artifact.json").read_text())["weights"]
    return said


def error(artifact: Path, backend: str, wanted: Array) -> float:
    """The relative error on the samples."""
    known = {one.BACKEND.name: one.BACKEND for one in (onnxruntime_cpu, tensorflow)}
    engine = None if backend in known else "chromium"
    with (known | BACKENDS)[backend].open_session(artifact, engine) as session:
        (given,) = session.infer({"x": tones()}).values()
    return float(np.sqrt(np.mean((given - wanted) ** 2) / np.mean((wanted - wanted.mean(0)) ** 2)))


#: Each codec and each format; nightly each with each, and in ONNX Runtime's page.
WHERE = [
    *(("float16", onnx, "onnxruntime-cpu"), ("uint8", tfjs_graph, "tfjs-wasm")),
    *(nightly("uint8", onnx, "onnxruntime-cpu"), nightly("float16", tfjs_graph, "tfjs-wasm")),
    *(nightly(codec, onnx, "ort-wasm") for codec in ("float16", "uint8")),
]


@pytest.mark.browser
@pytest.mark.parametrize(("codec", "module", "backend"), WHERE)
def test_what_logarithms_make_loud_stays_exact(
    home: Path, tmp_path: Path, codec: str, module: Any, backend: str
) -> None:
    wanted = run(home / "frozen", {"x": tones()})["y"]
    plain, kept = tmp_path / "plain", tmp_path / "kept"
    for work in (plain, kept):
        work.mkdir()
    assert package(module, home, plain, codec)["exact"] == []
    bound = 0.01 if codec == "float16" else 0.1
    said = package(module, home, kept, codec, {"relative_error": bound})
    assert error(plain / "artifact", backend, wanted) > 5 * bound
    assert error(kept / "artifact", backend, wanted) < 1.05 * bound
    assert [(one["shape"], one["why"]) for one in said["exact"]] == [([LENGTH, BINS], "keep")] * 2
    # Of uint8 too: it shares out bytes, and gives those two float16.
    assert said["more_bytes"] == 2 * 2 * LENGTH * BINS
    assert said["keep"]["measured"]["relative_error"] <= bound
    assert next(iter(said["keep"]["damages"].values())) > bound
    files = [json.loads((w / "artifact/artifact.json").read_text())["bytes"] for w in (plain, kept)]
    assert 0.9 < (files[1] - files[0]) / said["more_bytes"] < 1.1


@pytest.mark.browser
def test_a_layers_model_keeps_bounds_too(tmp_path: Path) -> None:
    """One channel of a thousand times the others, which the next layer takes back."""
    import keras as keras3

    keras3.utils.set_random_seed(1)
    dense = keras3.layers.Dense
    layers = [dense(64, name="loud"), dense(64, "tanh", name="soft"), dense(10)]
    model = keras3.Sequential([keras3.Input((LENGTH,), name="x"), *layers])
    first, _, second, *others = model.get_weights()
    first[:, 0] *= 1000
    second[0] /= 1000
    model.set_weights([first, np.ones(64, np.float32), second, *others])
    model.save(tmp_path / "model.keras")
    source_of(tmp_path / "model.keras", tmp_path / "source")
    for name in ("frozen", "tfjs-layers", "plain", "kept"):
        (tmp_path / name).mkdir()
    folders = {"source": tmp_path / "source"}
    freeze_source(folders, NoOptions(), tmp_path / "frozen")
    folders["frozen"] = tmp_path / "frozen"
    tfjs_layers.convert(folders, NoOptions(), tmp_path / "tfjs-layers")
    write_samples(tmp_path / "samples", x=tones())
    wanted = model.predict(tones(), verbose=0)
    package(tfjs_layers, tmp_path, tmp_path / "plain", "uint8")
    said = package(tfjs_layers, tmp_path, tmp_path / "kept", "uint8", {"relative_error": 0.03})
    assert error(tmp_path / "plain/artifact", "tfjs-wasm", wanted) > 0.033
    assert error(tmp_path / "kept/artifact", "tfjs-wasm", wanted) < 0.032
    names = [one["name"] for one in said["exact"]]
    assert names
    assert set(names) <= {"loud/kernel", "soft/kernel"}


def test_bounds_that_no_weight_keeps_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="with a single weight in uint8 the model has relati"):
        package(onnx, home, tmp_path, "uint8", {"relative_error": 1e-9})


def test_bounds_that_are_kept_already_leave_nothing(home: Path, tmp_path: Path) -> None:
    said = package(tfjs_graph, home, tmp_path, "uint16", {"snr_db": 1, "samples": 8})
    assert said["exact"] == []
    assert said["keep"]["samples"] == 8
    assert said["keep"]["damages"] == {}
    assert said["keep"]["measured"]["snr_db"] > 1


def heard(x: Any) -> dict[str, Any]:
    """A spectrum of TensorFlow's own, of which the pipeline makes products with tables."""
    import tensorflow as tf

    spectrum = tf.abs(tf.signal.rfft(x * tf.constant(np.hanning(LENGTH).astype(np.float32))))
    weights = np.random.default_rng(2).normal(0, BINS**-0.5, (BINS, 16)).astype(np.float32)
    return {"y": tf.tanh(tf.matmul(tf.math.log(spectrum + 1e-5), tf.constant(weights)))}


@pytest.mark.parametrize("module", [onnx, tfjs_graph])
def test_tables_of_the_pipelines_own_stay_without_being_asked(tmp_path: Path, module: Any) -> None:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    written = freeze(heard, [TensorSpec("x", "float32", (None, LENGTH))], tmp_path / "frozen")
    wanted = run(written, {"x": tones()})["y"]
    graph_def = spread(GraphDef.FromString((written / "frozen.pb").read_bytes()))
    (written / "frozen.pb").write_bytes(graph_def.SerializeToString(deterministic=True))
    (tmp_path / module.NAME).mkdir()
    options = onnx.ConvertOptions() if module is onnx else NoOptions()
    module.convert({"frozen": written}, options, tmp_path / module.NAME)
    said = package(module, tmp_path, tmp_path, "float16")
    assert [one["why"] for one in said["exact"]] == ["fourier", "fourier"]
    backend = "onnxruntime-cpu" if module is onnx else "tensorflow"
    assert error(tmp_path / "artifact", backend, wanted) < 2e-3
