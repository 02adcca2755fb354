"""How far an artifact's outputs are from the golden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.measures.metrics import OUTPUTS
from pipeline.tensors.arrays import Array, Float64s, NDArray, np
from pipeline.tensors.varying import align

#: Elements smaller than this share of their output's root mean square are compared by that: what
#: is nearly zero has no relative error worth the name.
FLOOR = 0.01

#: Where a signal-to-noise ratio ends, both ways, so that JSON holds that of equal outputs;
#: float32's own rounding is at about 150 dB.
MAX_DB = 200.0

#: Outputs that vary by less than this share of their size are taken as the same for all samples.
SAME = 1e-3

#: Where probabilities end, so that their logarithm does not: float32's smallest normal number.
SMALLEST = 1.1754944e-38


def compare(
    outputs: Mapping[str, Array], golden: Mapping[str, Array], softmax: Mapping[str, bool]
) -> dict[str, Any]:
    """Parity of every output, and the worst of each number over all outputs.

    Args:
        outputs: [n, …] by public name, as the artifact gave them.
        golden: the same names and shapes. Of outputs whose shape varies, each sample's is compared
            with its own, and what only one of them has with zero.
        softmax: by name, whether an output is a softmax: compared on logits as well.

    Raises:
        ValueError: an output's shape differs from the golden's, and neither varies.
    """
    each = {
        name: _compare_one(outputs[name], golden[name], softmax.get(name, False)) for name in golden
    }
    worst: dict[str, Any] = {}
    for metric in OUTPUTS:
        values = [
            measured[metric.name]
            for measured in each.values()
            if measured.get(metric.name) is not None
        ]
        worst[metric.name] = metric.worst(values) if values else None
    return {**worst, "outputs": each}


def _compare_one(values: Array, golden: Array, softmax: bool) -> dict[str, Any]:
    values, golden, other_shapes = align(values, golden)
    if values.shape != golden.shape:
        raise ValueError(f"the output has shape {values.shape}, the golden {golden.shape}")
    ours, expected = values.astype(np.float64), golden.astype(np.float64)
    finite = np.isfinite(ours)
    # A NaN is no small error that a mean could hide: count it, and compare zero instead.
    ours = np.where(finite, ours, 0.0)
    error = np.abs(ours - expected)
    measured = {
        "max_abs_error": float(error.max(initial=0.0)),
        "mean_abs_error": float(error.mean()) if error.size else 0.0,
        "relative_error": _relative_error(ours, expected),
        "elementwise_relative_error": _elementwise(error, expected),
        "cosine": _cosine(ours, expected),
        "snr_db": _snr_db(error, expected),
        "share_over_0_01": _share(error > 0.01, finite),
        "share_over_0_1": _share(error > 0.1, finite),
        "nonfinite": int((~finite).sum()),
    }
    if golden.dtype.kind == "f" and other_shapes is None:
        measured["worst_sample_error"] = _worst_sample(ours, expected)
    if other_shapes is not None:
        measured["other_shapes"] = other_shapes
    if softmax:
        difference = np.abs(logits(ours) - logits(expected))
        measured["logits_max_abs_error"] = float(difference.max(initial=0.0))
    return measured


def _relative_error(ours: Float64s, expected: Float64s) -> float:
    """Root mean square error over root mean square deviation from the golden's mean sample.

    A model that gives its mean answer to every sample has 1, whatever the outputs' scale and
    offset. For an output that is the same for every sample, its own size is what counts.
    """
    return _share_of(variation(expected), _rms(ours - expected))


def variation(expected: Float64s) -> float:
    """Root mean square deviation of [n, …] from the mean sample, or a little of its size where that
    is more."""
    deviation = _rms(expected - expected.mean(axis=0)) if expected.size else 0.0
    return max(deviation, SAME * _rms(expected))


def _share_of(measure: float, error: float) -> float:
    if measure == 0:
        return 0.0 if error == 0 else float(np.finfo(np.float32).max)
    return error / measure


def _worst_sample(ours: Float64s, expected: Float64s) -> float:
    """The largest error of a sample: root mean square, as a share of the same as above.

    A sample that gets another one's answer has about the square root of two, and one whose
    softmax is off by 1 in an element at least that.
    """
    measure = variation(expected)
    return max((_share_of(measure, _rms(row)) for row in ours - expected), default=0.0)


def _elementwise(error: Float64s, expected: Float64s) -> float:
    """The largest error of an element as a share of it, or of ``FLOOR`` of the output's size."""
    floor = max(FLOOR * _rms(expected), SMALLEST)
    largest = float((error / np.maximum(np.abs(expected), floor)).max(initial=0.0))
    return min(largest, float(np.finfo(np.float32).max))


def _snr_db(error: Float64s, expected: Float64s) -> float:
    """``20 log10(rms(golden) / rms(error))``, between -``MAX_DB`` and ``MAX_DB``."""
    from math import log10

    signal, noise = _rms(expected), _rms(error)
    if noise == 0 or signal == 0:
        return MAX_DB if noise == 0 else -MAX_DB
    return max(-MAX_DB, min(MAX_DB, 20 * log10(signal / noise)))


def _share(off: NDArray[np.bool_], finite: NDArray[np.bool_]) -> float:
    """The share of elements that are off; NaN and infinity are."""
    return float((off | ~finite).mean()) if off.size else 0.0


def _rms(values: Float64s) -> float:
    """Root mean square; 0 of nothing."""
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


def logits(probabilities: Float64s) -> Float64s:
    """Logits, centred: ``log p - mean(log p)`` over the last axis.

    A softmax forgets one constant per row; without it, the logits are the
    logarithm of the probabilities. So they need no second output of the model.
    """
    logarithm = np.log(np.maximum(probabilities, SMALLEST))
    centred: Float64s = logarithm - logarithm.mean(axis=-1, keepdims=True)
    return centred


def _cosine(ours: Float64s, expected: Float64s) -> float:
    """The smallest cosine similarity over samples; two zero vectors agree."""
    rows, expected_rows = ours.reshape(len(ours), -1), expected.reshape(len(expected), -1)
    product = (rows * expected_rows).sum(axis=1)
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(expected_rows, axis=1)
    both_zero = ~rows.any(axis=1) & ~expected_rows.any(axis=1)
    cosine = np.where(norms > 0, product / np.where(norms > 0, norms, 1), both_zero)
    return float(cosine.min(initial=1.0))
