"""What transformers' image processors say becomes options, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.transformers import options_of

HALF = [0.5, 0.5, 0.5]
VIT = {
    "do_resize": True,
    "size": {"height": 224, "width": 192},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 0.00392156862745098,
    "do_normalize": True,
    "image_mean": HALF,
    "image_std": HALF,
}
NUMBERS = {"scale": [0, 1], "mean": HALF, "std": HALF}


@pytest.mark.parametrize(
    ("facts", "options"),
    [
        (VIT, {"size": [224, 192], "resize": "bilinear-pillow", **NUMBERS}),
        (VIT | {"resample": 0}, {"size": [224, 192], **NUMBERS}),
        (
            VIT | {"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 3},
            {"size": [224, 224], "fit": "crop", "ratio": 0.875}
            | {"resize": "bicubic-pillow", **NUMBERS},
        ),
        (
            VIT
            | {"size": {"shortest_edge": 256}, "do_center_crop": True}
            | {"crop_size": {"height": 224, "width": 224}},
            {"size": [224, 224], "fit": "crop", "ratio": 0.875}
            | {"resize": "bilinear-pillow", **NUMBERS},
        ),
        (
            VIT | {"size": {"shortest_edge": 224}, "do_center_crop": True, "crop_size": 224},
            {"size": [224, 224], "fit": "crop", "resize": "bilinear-pillow", **NUMBERS},
        ),
        (
            VIT | {"size": 96, "do_normalize": False},
            {"size": [96, 96], "scale": [0, 1]} | {"resize": "bilinear-pillow"},
        ),
        (
            VIT | {"do_rescale": False, "do_resize": False},
            {"scale": [0, 255], "mean": HALF, "std": HALF},
        ),
        # What is said in other ways is left to whoever knows it.
        (VIT | {"rescale_factor": 0.5, "size": {"longest_edge": 800}}, {}),
        (VIT | {"size": {"shortest_edge": 100}, "do_center_crop": True, "crop_size": 224}, NUMBERS),
        (VIT | {"size": {"height": -1, "width": "2"}, "image_mean": "half"}, {}),
        ([1, 2], {}),
        (None, {}),
    ],
)
def test_facts_become_options(facts: Any, options: dict[str, Any]) -> None:
    assert options_of(facts) == options
    ImageOptions.model_validate(options)
