"""Shares a model's bytes among its weights, so that their rounding errors together do least harm.

A tensor's error counts as a share of its signal, whatever its size: a first convolution of 300
weights can spoil as much as the last layer of a million, and to halve its error costs 300 bits
instead of a million. So small tensors get more bits, as float16 rounded to what they need, and the
largest a few levels less; after compression, all together take the bytes that they would take in
equally many levels. This is the reverse water-filling of rate-distortion theory (Cover and Thomas
2006, sec. 10.3.3), by Lagrangian choice among few encodings for each tensor (Shoham and Gersho
1988, doi 10.1109/29.90373). It needs no samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.tensors.arrays import Float64s, np
from pipeline.weights.bits import entropy_of_counts
from pipeline.weights.codec import Encoded, Weight, min_max, rounded, short_float16

#: The error that 256 levels leave of a tensor whose range is ten standard deviations, and twice
#: that: with more, one grid does not fit the tensor.
FITTING = 2.5e-4

#: Brotli comes less near to the entropy of float16 than to that of bytes: by so much of all bytes
#: (MobileNet v2 224: 0.8 %, v3-small: 1.7 %).
CODER = 0.983

#: The steps between numbers of levels that are tried.
LADDER = 2**0.125

#: With two levels, zero and another, all values of one sign are lost, and of both where they are
#: alike: the nearest multiple of their difference is zero.
FEWEST = 3

#: Significant bits of a float16 that are tried; biases get at least seven.
BITS, BIAS_BITS = range(2, 12), range(7, 12)


@dataclass(frozen=True)
class Choice:
    """One way to encode one tensor."""

    error: float
    """The mean square of the error, as a share of that of the values."""
    bytes: float
    """What it takes after entropy coding."""
    levels: int | None
    encode: Callable[[], Encoded]


def allocate(weights: Sequence[Weight], levels: int) -> list[Encoded]:
    """Encode tensors in the bytes that ``levels`` levels for each of them would take.

    Args:
        weights: none of them on a grid already.
        levels: 3 to 256.
    """
    choices = [list(_choices(weight, levels)) for weight in weights]
    allowed = sum(_reference(each, levels).bytes for each in choices) * CODER
    return [choice.encode() for choice in _best(choices, allowed)]


def _reference(choices: list[Choice], levels: int) -> Choice:
    """All levels, or what is as good as levels would be on a tensor that they fit."""
    largest_error = FITTING * (256 / levels) ** 2
    plain = next((choice for choice in choices if choice.levels == levels), choices[-1])
    if plain.error <= largest_error:
        return plain
    fitting = [choice for choice in choices if choice.error <= largest_error]
    if fitting:
        return min(fitting, key=lambda choice: choice.bytes)
    return min(choices, key=lambda choice: choice.error)


def _best(choices: list[list[Choice]], allowed: float) -> list[Choice]:
    """The least sum of errors in so many bytes, on the convex hull of what can be had."""

    def at(price: float) -> list[Choice]:
        return [min(each, key=lambda c: c.error + price * c.bytes) for each in choices]

    cheap, dear = -60.0, 20.0  # exponents of the price of a byte
    for _ in range(60):
        middle = (cheap + dear) / 2
        if sum(choice.bytes for choice in at(2.0**middle)) > allowed:
            cheap = middle
        else:
            dear = middle
    return at(2.0**dear)


def _choices(weight: Weight, levels: int) -> Iterator[Choice]:
    values = weight.values
    if not weight.bias:
        # Scales take bytes, and so do levels that small channels would not fill.
        for axis in dict.fromkeys((None, weight.axis)):
            yield from _integers(weight, axis, levels)
    # Sign and exponent of a float32 are its upper nine bits.
    upper = np.bincount(values.ravel().view(np.uint32) >> 23, minlength=512)
    filled = float(np.count_nonzero(values)) / values.size
    heads = entropy_of_counts(upper)
    if np.abs(values).max() > np.finfo(np.float16).max:
        return
    # Float16 ends at 2^-24, below which it has no smaller steps.
    least = 2.0**-48 / 12 * float(_demand(weight, None))
    for bits in BIAS_BITS if weight.bias else BITS:
        # A step is 2^(1 - bits) of the power of two below a value.
        error = 4.0**-bits / 7 + least
        size = values.size * (heads + filled * (bits - 1)) / 8
        yield Choice(error, size, None, partial(short_float16, values, bits))


def _integers(weight: Weight, axis: int | None, levels: int) -> Iterator[Choice]:
    scale, _ = min_max(weight.values, axis, 255)
    numbers = np.clip(np.rint(weight.values / scale), -255, 255).astype(np.int16)
    counts = np.bincount(numbers.ravel() + 255, minlength=511)
    filled = 1 - counts[255] / numbers.size
    harm = (
        float(np.mean(scale.ravel().astype(np.float64) ** 2 / 12 * _demand(weight, axis))) * filled
    )
    scales = 0 if axis is None else 5 * scale.size
    for some in _ladder(levels):
        ratio = (some - 1) / 255
        fewer = np.rint(np.arange(-255, 256) * ratio).astype(np.int64) + 255
        size = (
            numbers.size * entropy_of_counts(np.bincount(fewer, counts, minlength=511)) / 8 + scales
        )
        encode = partial(rounded, weight.values, axis, np.uint8, some)
        yield Choice(harm / ratio**2, size, some, encode)


def _ladder(levels: int) -> list[int]:
    """Numbers of levels from FEWEST to 256, ``levels`` among them."""
    counts = {levels}
    for direction in (LADDER, 1 / LADDER):
        some = levels * direction
        while FEWEST <= some <= 256:
            counts.add(round(some))
            some *= direction
    return sorted(counts)


def _demand(weight: Weight, axis: int | None) -> Float64s:
    """What a square error counts for, by channel along an axis or in all: 1 / signal.

    A weight's signal is modelled as a factor of its input channel times one of its output
    channel. So it does not matter how channels are scaled between two layers.
    """
    squares = weight.values.astype(np.float64) ** 2
    if weight.sides is None:
        return np.array(1 / max(float(squares.mean()), 1e-60))
    others = tuple(i for i in range(squares.ndim) if i not in weight.sides)
    energy = squares.mean(axis=others)
    first = _above(energy.mean(1), 1e-8)
    second = _above((energy / first[:, None]).mean(0), 1e-8)
    demand: Float64s = 1 / _above(first[:, None] * second[None, :], 1e-6)
    if axis not in weight.sides:
        return np.array(demand.mean())
    by_channel: Float64s = demand.mean(1 - weight.sides.index(axis))
    return by_channel


def _above(values: Float64s, share: float) -> Float64s:
    """Without zeros: dead channels would demand any precision."""
    return np.maximum(values, max(float(values.max()) * share, 1e-60))
