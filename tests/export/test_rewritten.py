"""What formats lack is written in other nodes, inside of loops and branches too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import frozen_models
import numpy as np
import pytest
from onnx_graphs import run as run_onnx

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.frozen import Frozen
from pipeline.backends.web.backends import BACKENDS
from pipeline.export.operators import computed
from pipeline.graphs.tensorflow.spread import spread
from pipeline.tensors.signature import TensorSpec

pytestmark = pytest.mark.browser

RANDOM = np.random.default_rng(2)
SQUARE = RANDOM.normal(0, 0.4, (2, 4, 4)).astype(np.float32)
INPUT = [TensorSpec("x", "float32", (None, 3, 4))]


def attention(x: Any) -> dict[str, Any]:
    """Einsum and exact GELU in a loop, as a transformer that goes over its input again."""
    import tensorflow as tf

    def body(i: Any, v: Any) -> Any:
        heads = tf.einsum("abc,dce->abde", v, SQUARE)
        scores = tf.einsum("abde,acde->adbc", heads, heads)
        mixed = tf.einsum("adbc,acde->abde", tf.nn.softmax(scores), heads)
        return i + 1, tf.nn.gelu(tf.reduce_sum(mixed, 2), approximate=False)

    return {"y": tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]}


def nested(x: Any) -> dict[str, Any]:
    """A branch in a loop's body, which the input decides, and a loop in a branch."""
    import tensorflow as tf

    def inner(v: Any) -> Any:
        step = lambda i, w: (i + 1, tf.math.log1p(tf.abs(w)) - tf.nn.softsign(w))  # noqa: E731
        return tf.while_loop(lambda i, _: i < 2, step, (0, v))[1]

    def body(i: Any, v: Any) -> Any:
        return i + 1, tf.cond(tf.reduce_sum(v) > 0, lambda: inner(v), lambda: tf.math.expm1(-v))

    return {"y": tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]}


def mended(x: Any) -> dict[str, Any]:
    """What TF.js computes wrongly: an axis from the end, what is not too far off a diagonal."""
    import tensorflow as tf

    def body(i: Any, v: Any) -> Any:
        v = tf.cumsum(tf.linalg.band_part(v, 1, 0), axis=-1)
        return i + 1, tf.roll(v, 1, -2)

    return {"y": tf.while_loop(lambda i, _: i < 2, body, (0, x))[1]}


def spectral(x: Any) -> dict[str, Any]:
    """A spectrum of each frame, as tf.map_fn writes it."""
    import tensorflow as tf

    return {"y": tf.map_fn(lambda frame: tf.abs(tf.signal.rfft(frame)), x)}


def denoised(x: Any) -> dict[str, Any]:
    """As models that enhance speech: a mask on the spectrum, and back to a wave."""
    import tensorflow as tf

    wave = tf.reshape(tf.tile(x, [1, 1, 20]), [-1, 240])
    spectrum = tf.signal.stft(wave, 64, 16, 64)
    mask = tf.cast(tf.sigmoid(tf.abs(spectrum) - 3), tf.complex64)
    inverse = tf.signal.inverse_stft_window_fn(16)
    return {"y": tf.signal.inverse_stft(spectrum * mask, 64, 16, 64, inverse)}


def rephased(x: Any) -> dict[str, Any]:
    """Magnitude and phase apart, and a transform of tokens as FNet has it."""
    import tensorflow as tf

    spectrum = tf.signal.rfft(x)
    phase = tf.math.angle(spectrum) * 0.5
    size = tf.abs(spectrum)
    turned = tf.complex(size * tf.cos(phase), size * tf.sin(phase))
    mixed = tf.math.real(tf.signal.fft2d(tf.cast(x, tf.complex64)))
    return {"y": tf.signal.irfft(turned) + mixed}


LACKING = {
    attention: {"Einsum", "Erfc"},
    nested: {"Expm1", "Log1p", "Softsign"},
    mended: set(),
    spectral: {"RFFT", "ComplexAbs"},
    denoised: {"RFFT", "IRFFT", "ComplexAbs"},
    rephased: {"RFFT", "IRFFT", "FFT2D", "Angle", "Complex"},
}


def operators_of(graph_def: Any) -> set[str]:
    """Of what the output needs, in bodies too."""
    return {place.operator for place in computed(graph_def, ["y"])}


@pytest.mark.parametrize("model", LACKING, ids=lambda model: model.__name__)
def test_the_numbers_are_right_in_both_formats(model: Any, tmp_path: Path) -> None:
    folder = frozen_models.freeze(model, INPUT, tmp_path / "frozen")
    x = RANDOM.normal(0, 1, (2, 3, 4)).astype(np.float32)
    expected = frozen_models.run(folder, {"x": x})["y"]
    graph_def = Frozen(folder).outline()
    assert LACKING[model] <= operators_of(graph_def)
    graph_def = spread(graph_def)
    assert not LACKING[model] & operators_of(graph_def)
    (folder / Frozen.GRAPH).write_bytes(graph_def.SerializeToString(deterministic=True))

    _, artifact = frozen_models.onnx_artifact(folder, tmp_path)
    found = run_onnx(str(ArtifactFolder(artifact).entry), {"x": x})["y"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    _, artifact = frozen_models.tfjs_artifact(folder, tmp_path)
    with BACKENDS["tfjs-wasm"].open_session(artifact, "chromium") as session:
        np.testing.assert_allclose(session.infer({"x": x})["y"], expected, atol=1e-5)


def masked(x: Any, mask: Any) -> dict[str, Any]:
    """As Keras masks scores: with the smallest number there is."""
    import tensorflow as tf

    return {"shares": tf.nn.softmax(x + (1 - mask[:, None]) * tf.float32.min)}


def test_scores_that_are_all_masked_have_the_same_share_on_webgl(tmp_path: Path) -> None:
    # More than TF.js computes on the CPU in place of the GPU.
    specs = [TensorSpec("x", "float32", (None, 9, 40)), TensorSpec("mask", "float32", (None, 40))]
    frozen = frozen_models.freeze(masked, specs, tmp_path / "frozen")
    mask = np.arange(40) < np.array([[40], [7], [0]])
    feeds = {"x": RANDOM.normal(0, 1, (3, 9, 40)).astype("f4"), "mask": mask.astype("f4")}
    wanted = frozen_models.run(frozen, feeds)["shares"]
    np.testing.assert_allclose(wanted[2], 1 / 40, atol=1e-6)
    _, artifact = frozen_models.tfjs_artifact(frozen, tmp_path)
    with BACKENDS["tfjs-webgl"].open_session(artifact, "chromium") as session:
        np.testing.assert_allclose(session.infer(feeds)["shares"], wanted, atol=1e-6)
