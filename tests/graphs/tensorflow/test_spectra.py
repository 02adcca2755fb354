"""Complex numbers as pairs of real ones, and Fourier transforms as products of real matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_spread import graph_of, run

from pipeline.graphs.tensorflow.spread import spread

WAVE = np.random.default_rng(1).normal(0, 1, (2, 4000)).astype(np.float32)


def left(graph_def: Any) -> set[str]:
    """The operators of complex numbers that the output needs."""
    import tensorflow as tf

    part = tf.compat.v1.graph_util.extract_sub_graph(graph_def, ["y"])
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(part, name="")
    return {
        operation.type
        for operation in graph.get_operations()
        if any(t.dtype.is_complex for t in (*operation.inputs, *operation.outputs))
    }


def spectrogram(x: Any) -> Any:
    """As models of speech begin: 25 ms at 16 kHz in a transform of 512."""
    import tensorflow as tf

    return tf.math.log(tf.abs(tf.signal.stft(x, 400, 160, 512)) + 1e-2)


def parts(x: Any) -> Any:
    """Both parts of one transform, of a signal that is longer than it."""
    import tensorflow as tf

    spectrum = tf.signal.rfft(tf.reshape(x, [-1, 2, 500]), [256])
    return tf.stack([tf.math.real(spectrum), tf.math.imag(spectrum)])


def denoised(x: Any) -> Any:
    """As models that enhance speech: a mask on the spectrum, and back to a wave."""
    import tensorflow as tf

    window = tf.signal.hann_window
    spectrum = tf.signal.stft(x, 400, 100, 400, window)
    mask = tf.cast(tf.sigmoid(tf.abs(spectrum) - 10), tf.complex64)
    inverse = tf.signal.inverse_stft_window_fn(100, window)
    return tf.signal.inverse_stft(spectrum * mask, 400, 100, 400, inverse)


def rebuilt(x: Any) -> Any:
    """Magnitude and phase apart; an odd length, whose spectrum has no middle."""
    import tensorflow as tf

    spectrum = tf.signal.rfft(x[:, :501])
    size, angle = tf.abs(spectrum), tf.math.angle(spectrum)
    turned = tf.exp(tf.complex(tf.zeros_like(angle), angle * 0.5)) / (2 + 1j)
    return tf.signal.irfft(tf.cast(size, tf.complex64) * turned, [501])


def moved(x: Any) -> Any:
    """Much that moves complex numbers, and much that adds them up."""
    import tensorflow as tf

    z = tf.signal.rfft(tf.reshape(x, [-1, 2, 4, 125]))
    z = tf.transpose(tf.concat([z, tf.math.conj(z[..., ::-1])], -1), [0, 2, 1, 3])
    z = tf.squeeze(tf.stack(tf.unstack(z, axis=1)[:2], 1)[..., tf.newaxis], -1)
    z = tf.pad(tf.reduce_sum(-tf.square(z) - (1 - 2j), 2), [[0, 0], [0, 0], [1, 2]])
    return tf.stack([tf.math.real(z), tf.math.imag(z)])


def mixed_tokens(x: Any) -> Any:
    """As FNet mixes tokens (arXiv:2105.03824), and back."""
    import tensorflow as tf

    z = tf.signal.fft2d(tf.cast(tf.reshape(x, [-1, 40, 50]), tf.complex64))
    both = tf.signal.ifft(tf.signal.ifft2d(z) + tf.signal.fft(z))
    return tf.math.real(z) + tf.abs(both)


def cosines(x: Any) -> Any:
    """The end of mel-frequency cepstra."""
    import tensorflow as tf

    return tf.signal.mfccs_from_log_mel_spectrograms(tf.reshape(x, [-1, 20, 40]))


MODELS = [spectrogram, parts, denoised, rebuilt, moved, mixed_tokens, cosines]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_it_is_as_exact_as_float32(model: Any) -> None:
    graph_def = graph_of(model, {"x": WAVE})
    wanted = run(graph_def, {"x": WAVE})
    assert left(graph_def)
    written = spread(graph_def)
    assert not left(written)
    np.testing.assert_allclose(run(written, {"x": WAVE}), wanted, atol=1e-5 * np.abs(wanted).max())


def test_what_something_else_reads_as_complex_numbers_stays() -> None:
    """No part of it is rewritten: it would have to become complex again."""
    import tensorflow as tf

    def model(x: Any) -> Any:
        return tf.signal.irfft(tf.math.cumsum(tf.signal.rfft(x), -1))

    graph_def = graph_of(model, {"x": WAVE})
    expected = run(graph_def, {"x": WAVE})
    written = spread(graph_def)
    assert left(written) == {"RFFT", "Cumsum", "IRFFT"}
    np.testing.assert_allclose(run(written, {"x": WAVE}), expected, atol=1e-4)


def test_a_complex_result_stays_one() -> None:
    import tensorflow as tf

    graph_def = graph_of(tf.signal.rfft, {"x": WAVE})
    assert left(spread(graph_def)) == {"RFFT", "Identity"}


def test_a_length_that_the_input_decides_stays() -> None:
    import tensorflow as tf

    graph_def = graph_of(lambda x: tf.abs(tf.signal.rfft(x)), {"x": WAVE}, free=True)
    assert left(spread(graph_def)) == {"RFFT", "ComplexAbs"}
