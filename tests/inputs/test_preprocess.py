"""Preprocessing, against numbers worked out by hand and against TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply, laid_out, set_colour, thumbnail


def test_scale_maps_0_and_255_to_its_ends() -> None:
    image = np.array([[0, 51, 255]], np.uint8)
    result = apply(image, ImageOptions(color="grey", scale=(-1, 1)))
    assert result.dtype == np.float32
    assert result.shape == (1, 3, 1)
    np.testing.assert_allclose(result[0, :, 0], [-1, -0.6, 1], atol=1e-6)


def test_grey_becomes_rgb_by_repetition() -> None:
    result = apply(np.array([[10], [20]], np.uint8), ImageOptions(scale=(0, 255)))
    np.testing.assert_allclose(result, [[[10] * 3], [[20] * 3]], atol=1e-4)


def test_rgb_becomes_grey_by_luma() -> None:
    red_green_blue = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    result = apply(red_green_blue, ImageOptions(color="grey"))
    np.testing.assert_allclose(result[0, :, 0], [0.299, 0.587, 0.114], atol=1e-6)


def test_transparency_shows_white() -> None:
    clear_half_full = np.array([[[0, 0, 0, 0], [0, 0, 0, 51], [0, 0, 0, 255]]], np.uint8)
    result = apply(clear_half_full, ImageOptions())
    np.testing.assert_allclose(result[0, :, 0], [1, 0.8, 0], atol=1e-6)


def test_two_pixels_resized_to_four_by_the_documented_formula() -> None:
    image = np.array([[0, 100]], np.uint8)
    result = apply(image, ImageOptions(size=(1, 4), color="grey", scale=(0, 255)))
    np.testing.assert_allclose(result[0, :, 0], [0, 25, 75, 100], atol=1e-4)


def test_resize_is_that_of_tensorflow() -> None:
    import tensorflow as tf

    chance = np.random.default_rng(0)
    for before, after in [((8, 8), (64, 64)), ((37, 53), (64, 41)), ((300, 7), (224, 224))]:
        image = chance.integers(0, 256, (*before, 3), np.uint8)
        expected = tf.image.resize(image, after, method="bilinear", antialias=False)
        result = apply(image, ImageOptions(size=after, scale=(0, 255)))
        np.testing.assert_allclose(result, expected, atol=255 * 1e-6)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)]
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"not a uint8 image|1, 3 or 4 channels"):
        apply(image, ImageOptions())


@pytest.mark.parametrize(
    "options",
    [
        {"scale": [1, 1]},
        {"size": [0, 8]},
        {"color": "brg"},
        {"crop": 3},
        {"mean": [0, 0]},
        {"std": [1, 0, 1]},
        {"color": "grey", "std": [1, 1, 1]},
        {"ratio": 1.1},
        {"border": [0, 0, 256]},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ImageOptions.model_validate(options)


def test_mean_and_std_come_behind_the_scale() -> None:
    """As torchvision's ToTensor and Normalize, and Keras' mode "caffe", have it."""
    image = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    result = apply(image, ImageOptions(mean=mean, std=std))
    np.testing.assert_allclose(result, (image / 255 - mean) / std, atol=1e-6)
    caffe = (103.939, 116.779, 123.68)
    result = apply(image, ImageOptions(color="bgr", scale=(0, 255), mean=caffe))
    np.testing.assert_allclose(result, image[..., ::-1] - np.array(caffe), atol=1e-4)


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(
    "options", [{}, {"color": "bgr", "std": (0.25, 0.5, 1)}, {"color": "grey"}]
)
def test_what_a_model_was_given_is_an_image_again(layout: str, options: dict[str, Any]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    chosen = ImageOptions.model_validate({"scale": (-1, 1), "layout": layout} | options)
    values = laid_out(apply(image, chosen), chosen, (None, None, None, None))
    assert values.shape[-1 if layout == "nhwc" else 0] == chosen.channels
    again = thumbnail(values, chosen)
    wanted = (
        set_colour(image, ImageOptions(color="grey"))[..., 0] if "grey" in str(options) else image
    )
    np.testing.assert_allclose(again, np.rint(wanted), atol=1)
