"""Fourier transforms as products of real matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_spread import graph_of, run

from pipeline.graphs.tensorflow.spread import spread

WAVE = np.random.default_rng(1).normal(0, 1, (2, 4000)).astype(np.float32)


def operators(graph_def: Any) -> set[str]:
    """Of the nodes that the output needs."""
    import tensorflow as tf

    part = tf.compat.v1.graph_util.extract_sub_graph(graph_def, ["y"])
    return {node.op for node in part.node}


def spectrogram(x: Any) -> Any:
    """As models of speech begin: 25 ms at 16 kHz in a transform of 512."""
    import tensorflow as tf

    return tf.math.log(tf.abs(tf.signal.stft(x, 400, 160, 512)) + 1e-2)


def parts(x: Any) -> Any:
    """Both parts of one transform, of a signal that is longer than it."""
    import tensorflow as tf

    spectrum = tf.signal.rfft(tf.reshape(x, [-1, 2, 500]), [256])
    return tf.stack([tf.math.real(spectrum), tf.math.imag(spectrum)])


@pytest.mark.parametrize("model", [spectrogram, parts])
def test_it_is_as_exact_as_float32(model: Any) -> None:
    graph_def = graph_of(model, {"x": WAVE})
    wanted = run(graph_def, {"x": WAVE})
    written = spread(graph_def)
    assert not {"RFFT", "ComplexAbs", "Real", "Imag"} & operators(written)
    np.testing.assert_allclose(run(written, {"x": WAVE}), wanted, atol=1e-5 * np.abs(wanted).max())


def test_what_is_read_as_complex_numbers_stays() -> None:
    import tensorflow as tf

    def model(x: Any) -> Any:
        return tf.signal.irfft(tf.signal.rfft(x) * 2.0)

    graph_def = graph_of(model, {"x": WAVE})
    written = spread(graph_def)
    assert "RFFT" in operators(written)
    np.testing.assert_allclose(run(written, {"x": WAVE}), WAVE * 2, atol=1e-4)
