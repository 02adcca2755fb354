"""Where images come to lie, against the libraries that are named, and the way back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pipeline.inputs.image.fit import origin_of, spans, to_image
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply, set_colour
from pipeline.inputs.image.region import Region, apply_region, fit_region

CHANCE = np.random.default_rng(3)
IMAGES = [CHANCE.integers(0, 256, (*size, 3), np.uint8) for size in ((40, 64), (90, 31), (50, 50))]
FITS = ("stretch", "letterbox", "pad", "crop", "crop-first")


def options(**more: Any) -> ImageOptions:
    return ImageOptions.model_validate({"size": (32, 32), "scale": (0, 255)} | more)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: str(image.shape))
def test_crop_first_is_that_of_keras(image: np.ndarray) -> None:
    from keras.src.utils.image_utils import smart_resize
    from keras.utils import image_dataset_from_directory  # noqa: F401  (imports what follows)

    for size in ((32, 32), (20, 48)):
        wanted = smart_resize(image.astype(np.float32), size, backend_module=None)
        made = apply(image, options(size=size, fit="crop-first"))
        np.testing.assert_allclose(made, wanted, atol=255 * 2e-6)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: str(image.shape))
@pytest.mark.parametrize("ratio", [0.875, 1.0, 0.7])
def test_crop_is_that_of_torchvision_and_timm_with_pillow(image: np.ndarray, ratio: float) -> None:
    """Resize(int(32 / ratio)) and CenterCrop(32) of torchvision.transforms.functional, spelt out:
    the longer side is int(short * long / shorter), the crop begins at int(round(beyond / 2))."""
    from PIL import Image

    height, width = image.shape[:2]
    short = math.floor(32 / ratio)
    sides = (short, int(short * width / height)) if height <= width else (
        int(short * height / width), short)  # fmt: skip
    whole = Image.fromarray(image).resize(sides[::-1], Image.Resampling.BICUBIC)
    top, left = (round((side - 32) / 2.0) for side in sides)
    wanted = np.asarray(whole)[top : top + 32, left : left + 32]
    made = apply(image, options(fit="crop", ratio=ratio, resize="bicubic-pillow"))
    np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize("border", ["zero", "replicate", (114, 20, 3)])
def test_a_letterbox_keeps_the_shape_and_fills_the_rest(border: Any) -> None:
    image = IMAGES[0]
    made = apply(image, options(fit="letterbox", border=border, resize="bilinear-pillow"))
    inside = apply(image, options(size=(20, 32), resize="bilinear-pillow"))
    np.testing.assert_array_equal(made[6:26], inside)
    for rows, edge in ((made[:6], inside[0]), (made[26:], inside[-1])):
        beyond = edge if border == "replicate" else [0, 0, 0] if border == "zero" else border
        np.testing.assert_array_equal(rows, np.broadcast_to(beyond, rows.shape))


def test_pad_begins_at_the_top_left() -> None:
    made = apply(IMAGES[1], options(fit="pad"))
    np.testing.assert_array_equal(made[:, :11], apply(IMAGES[1], options(size=(32, 11))))
    assert not made[:, 11:].any()


def test_an_extreme_shape_takes_no_more_memory_than_its_size() -> None:
    line = np.full((1, 8000, 3), 9, np.uint8)
    assert (apply(line, options(fit="crop")) == 9).all()
    assert spans(options(fit="letterbox"), 1, 8000)[0].count == 1


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("resize", ["bilinear", "bilinear-antialias", "bicubic-pillow"])
def test_points_come_back_to_where_they_were(fit: str, resize: str) -> None:
    """A white spot is found in the input, and told in pixels of the image."""
    chosen = options(fit=fit, resize=resize)
    for height, width in ((48, 64), (90, 70)):
        image = np.zeros((height, width, 3), np.uint8)
        y, x = height // 2 - 4, width // 2 + 5
        image[y - 3 : y + 3, x - 3 : x + 3] = 255
        made = apply(image, chosen)[..., 0].astype(np.float64)
        rows, columns = np.mgrid[0:32, 0:32] + 0.5
        spot = [(columns * made).sum() / made.sum(), (rows * made).sum() / made.sum()]
        origin = origin_of(chosen, height, width)
        assert origin.size == (height, width)
        np.testing.assert_allclose(to_image(spot, origin.scale, origin.pad), [x, y], atol=0.6)


def test_a_region_that_is_the_whole_image_changes_nothing() -> None:
    image = IMAGES[0]
    made = apply_region(image, Region(32, 20, 64, 40), options(size=(40, 64)))
    np.testing.assert_allclose(made, image, atol=1e-4)


def test_a_quarter_turn_is_exact() -> None:
    """Clockwise: what lies at the image's right is the crop's top."""
    image = IMAGES[2]
    turned = Region(25, 25, 50, 50, math.pi / 2)
    made = apply_region(image, turned, options(size=(50, 50)))
    np.testing.assert_allclose(made, np.rot90(image), atol=1e-3)
    assert turned.to_image([0.5, 0.0]) == pytest.approx([50, 25])


@pytest.mark.parametrize("border", ["zero", "replicate", (7, 200, 90)])
def test_a_region_is_what_pillow_makes_of_the_same_transform(border: Any) -> None:
    """PIL.Image.transform with a bilinear filter, inside; beyond the image, the border."""
    from PIL import Image

    image, region = IMAGES[1], Region(12, 40, 26, 30, 0.7)
    made = apply_region(image, region, options(size=(30, 26), border=border))
    cos, sin = math.cos(0.7), math.sin(0.7)
    x, y = region.to_image([0, 0])
    found = Image.fromarray(image).transform(
        (26, 30), Image.Transform.AFFINE, (cos, -sin, x, sin, cos, y), Image.Resampling.BILINEAR
    )
    rows, columns = np.mgrid[0:30, 0:26] + 0.5
    places = region.to_image(np.stack([columns / 26, rows / 30], -1))
    within = ((places >= 1) & (places <= [30, 89])).all(-1)
    assert within.sum() > 400
    np.testing.assert_allclose(made[within], np.asarray(found)[within], atol=1)
    outside = ((places < -1) | (places > [32, 91])).any(-1)
    if border != "replicate" and outside.any():
        colour = set_colour(np.array([[(0, 0, 0) if border == "zero" else border]], np.uint8),
                          options())[0, 0]  # fmt: skip
        np.testing.assert_allclose(made[outside], np.broadcast_to(colour, made[outside].shape))


def test_points_of_a_region_come_back() -> None:
    region = Region(31.5, 12, 40, 25, -2.2)
    points = CHANCE.uniform(-1, 2, (5, 4, 2))
    np.testing.assert_allclose(region.from_image(region.to_image(points)), points, atol=1e-12)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(32, 32), (16, 64)])
def test_a_region_fits_as_an_image_of_its_size_does(fit: str, size: tuple[int, int]) -> None:
    """The corners of the input lie where they would in the image that the region is."""
    how = options(fit=fit, size=size, ratio=0.5)
    origin = origin_of(how, 32, 64)
    corners = np.array([[0, 0], [size[1], 0], [0, size[0]], [size[1], size[0]]], np.float64)
    inside = to_image(corners, origin.scale, origin.pad)
    region = Region(100, 70, 64, 32, 0.8)
    wanted = region.to_image(inside / [64, 32])
    found = fit_region(region, how).to_image(corners / [size[1], size[0]])
    np.testing.assert_allclose(found, wanted, atol=1e-9)
