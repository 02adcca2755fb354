"""The usual ways differ as they say."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from pipeline.fitting import ways
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply

IMAGE = np.random.default_rng(0).integers(0, 256, (9, 15, 3), np.uint8)
PREPROCESS = ImageOptions(size=(4, 6), color="rgb", scale=(-1, 1))


def test_the_configs_own_way_is_what_the_input_does() -> None:
    own = ways.of_config(PREPROCESS)
    np.testing.assert_allclose(
        ways.apply_way(IMAGE, own, PREPROCESS), apply(IMAGE, PREPROCESS), atol=1e-6
    )


def test_scales_and_channels_are_tried_together() -> None:
    tried = list(ways.list_scales(ways.of_config(PREPROCESS)))
    assert len(tried) == len(set(tried)) == 8
    assert {way.channels for way in tried} == {"RGB", "BGR"}
    other = list(ways.list_scales(ways.of_config(ImageOptions(color="grey", scale=(0, 2)))))
    assert [way.scale for way in other] == ["[0, 2]", "[-1, 1]", "[0, 1]", "[0, 255]"]


def test_the_mean_of_imagenet_becomes_zero() -> None:
    grey = np.full((4, 6, 3), np.float32(ways.MEAN) * 255).round().astype(np.uint8)
    values = ways.apply_way(grey, ways.Way(ways.IMAGENET), PREPROCESS)
    assert np.abs(values).max() < 0.01
    assert ways.apply_way(grey + 50, ways.Way(ways.IMAGENET), PREPROCESS).min() > 0.8


def test_channels_are_turned_around() -> None:
    rgb, bgr = (
        ways.apply_way(IMAGE, ways.Way("[0, 1]", channels), PREPROCESS)
        for channels in ("RGB", "BGR")
    )
    np.testing.assert_array_equal(rgb, bgr[..., ::-1])


@pytest.mark.parametrize(
    "way", list(ways.list_resizes(ways.Way("[0, 255]"))), ids=lambda way: way.resize
)
def test_every_resize_gives_the_size_and_another_picture(way: ways.Way) -> None:
    values = ways.apply_way(IMAGE, way, PREPROCESS)
    assert values.shape == (4, 6, 3)
    plain = ways.apply_way(IMAGE, ways.Way("[0, 255]"), PREPROCESS)
    assert np.abs(values - plain).max() > 5


@pytest.mark.parametrize(
    "options",
    [
        {"mean": ways.MEAN, "std": ways.STD, "color": "bgr"},
        {"mean": (0.5,), "fit": "letterbox", "resize": "bicubic-pillow"},
    ],
)
def test_a_config_with_ways_of_its_own_is_tried_as_it_is(options: dict[str, object]) -> None:
    chosen = ImageOptions.model_validate({"size": (4, 6)} | options)
    own = ways.of_config(chosen)
    assert own.sayable and own in set(ways.list_scales(own))
    np.testing.assert_array_equal(ways.apply_way(IMAGE, own, chosen), apply(IMAGE, chosen))


@pytest.mark.parametrize("name", ways.SAID)
def test_what_a_config_is_told_to_say_does_the_same(name: str) -> None:
    way = ways.Way(ways.IMAGENET, "BGR", name)
    said = yaml.safe_load(f"{{{ways.config_of(way, PREPROCESS)}}}")
    size = (4, 6) if name != ways.SQUARE else (5, 5)
    at = PREPROCESS.model_copy(update={"size": size})
    tried = ways.apply_way(IMAGE, way, at)
    made = apply(IMAGE, ImageOptions.model_validate(said | {"size": size}))
    np.testing.assert_allclose(made, tried, atol=1e-4)
