"""Each way to resize against the library that it is named after, or an independent reference."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.inputs.image import preprocess
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply

#: Larger, smaller, much smaller, one axis each way, to and from single pixels.
SIZES = [
    ((8, 9), (64, 41)),
    ((37, 53), (24, 31)),
    ((300, 200), (32, 48)),
    ((7, 90), (64, 9)),
    ((1, 1), (5, 4)),
    ((23, 19), (1, 1)),
    ((16, 16), (16, 16)),
]
sizes = pytest.mark.parametrize(("before", "after"), SIZES, ids=str)


@pytest.mark.parametrize("how", ["bicubic", "bilinear-antialias", "bicubic-pillow"])
def test_a_large_image_is_read_in_bands(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the same, in a fraction of the memory that its pixels take as floats."""
    pixels = np.random.default_rng(0).integers(0, 256, (2000, 1500, 3), np.uint8)
    tracemalloc.start()
    made = resized(pixels, (40, 30), how)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.6 * pixels.nbytes * 4
    monkeypatch.setattr(preprocess, "BAND", 1 << 30)
    np.testing.assert_array_equal(resized(pixels, (40, 30), how), made)


def image(before: tuple[int, int]) -> NDArray[np.uint8]:
    return np.random.default_rng(before).integers(0, 256, (*before, 3), np.uint8)


def resized(pixels: NDArray[np.uint8], after: tuple[int, int], how: str) -> NDArray[np.float32]:
    options = {"size": after, "resize": how, "scale": (0, 255)}
    return apply(pixels, ImageOptions.model_validate(options))


@sizes
@pytest.mark.parametrize(
    ("how", "method", "antialias"),
    [
        ("bilinear", "bilinear", False),
        ("bicubic", "bicubic", False),
        ("bilinear-antialias", "bilinear", True),
        ("bicubic-antialias", "bicubic", True),
    ],
)
def test_tensorflow(
    before: tuple[int, int], after: tuple[int, int], how: str, method: str, antialias: bool
) -> None:
    import tensorflow as tf

    pixels = image(before)
    wanted = tf.image.resize(pixels, after, method=method, antialias=antialias).numpy()
    np.testing.assert_allclose(resized(pixels, after, how), wanted, atol=255 * 2e-6)


@sizes
@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_pillow_to_the_bit(before: tuple[int, int], after: tuple[int, int], method: str) -> None:
    from PIL import Image

    pixels = image(before)
    wanted = Image.fromarray(pixels).resize(after[::-1], Image.Resampling[method.upper()])
    np.testing.assert_array_equal(resized(pixels, after, f"{method}-pillow"), np.asarray(wanted))


@sizes
def test_torch_without_antialiasing(before: tuple[int, int], after: tuple[int, int]) -> None:
    """torch itself is not installed here: its formula (aten/src/ATen/native/UpSample.h,
    get_cubic_upsample_coefficients with A = -0.75, indices clamped), as a matrix in float64."""
    pixels = image(before)
    down, across = (cubic_matrix(*pair) for pair in zip(before, after, strict=True))
    wanted = np.einsum("yi,xj,ijc->yxc", down, across, pixels.astype(np.float64), optimize=True)
    np.testing.assert_allclose(resized(pixels, after, "bicubic-torch"), wanted, atol=255 * 3e-6)


@sizes
@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_torch_with_antialiasing(
    before: tuple[int, int], after: tuple[int, int], method: str
) -> None:
    """As torchvision resizes tensors: HelperInterpLinear and HelperInterpCubic of
    aten/src/ATen/native/cpu/UpSampleKernel.cpp (compute_indices_min_size_weights_aa; A = -0.5)."""
    pixels = image(before)
    pairs = zip(before, after, strict=True)
    down, across = (antialiased(*pair, method == "bicubic") for pair in pairs)
    wanted = np.einsum("yi,xj,ijc->yxc", down, across, pixels.astype(np.float64), optimize=True)
    made = resized(pixels, after, f"{method}-antialias")
    np.testing.assert_allclose(made, wanted, atol=255 * 3e-6)


def cubic_matrix(before: int, after: int) -> NDArray[np.float64]:
    made = np.zeros((after, before))
    for i in range(after):
        real = before / after * (i + 0.5) - 0.5
        low = int(np.floor(real))
        for k, weight in enumerate(cubic_torch(real - low)):
            made[i, min(max(low - 1 + k, 0), before - 1)] += weight
    return made


def cubic_torch(t: float) -> list[float]:
    a = -0.75

    def near(x: float) -> float:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def antialiased(before: int, after: int, is_cubic: bool) -> NDArray[np.float64]:
    made = np.zeros((after, before))
    scale = before / after
    support = (2 if is_cubic else 1) * max(scale, 1)
    for i in range(after):
        centre = scale * (i + 0.5)
        low = max(int(centre - support + 0.5), 0)
        high = min(int(centre + support + 0.5), before)
        for j in range(low, high):
            x = abs((j - centre + 0.5) / max(scale, 1))
            linear = max(1 - x, 0)
            cubic = 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
            made[i, j] = linear if not is_cubic else cubic if x < 2 else 0
        made[i] /= made[i].sum()
    return made
