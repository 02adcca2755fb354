"""Images and what Python makes of them, for the twin in JavaScript.

``python -m tests.inputs.image_cases`` writes ``pipeline/inputs/image/cases.json`` anew.
``test_image_cases.py`` holds that Python still answers so, ``tests/client/unit/inputs/`` and
``test_image_pages.py`` that JavaScript does, in Node and in a browser.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.inputs import image
from pipeline.inputs.image.around import Around, region_of
from pipeline.inputs.image.fit import origin_of, to_image
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply, cast, laid_out
from pipeline.inputs.image.region import Region, apply_region, fit_region

FILE = Path(image.__file__).with_name("cases.json")

Case = dict[str, Any]

METHODS = (
    *("bilinear", "bicubic", "bilinear-antialias", "bicubic-antialias"),
    *("bilinear-pillow", "bicubic-pillow", "bicubic-torch"),
)
LETTERBOX: Case = {"size": [6, 8], "fit": "letterbox"}
CROP: Case = {"size": [5, 4], "fit": "crop", "ratio": 0.8}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

#: Height, width and channels of an image, and what becomes of it.
IMAGES: list[tuple[tuple[int, ...], Case]] = [
    ((5, 7, 3), {"scale": [0, 255]}),
    ((5, 7, 3), {"size": [8, 6], "scale": [-1, 1]}),
    ((9, 4, 4), {"size": [6, 8], "scale": [-1, 1]}),
    ((1, 1, 3), {"size": [3, 3]}),
    # Far smaller: JavaScript reads such an image in part.
    ((13, 29, 3), {"size": [4, 5], "color": "grey"}),
    ((31, 17, 4), {"size": [5, 4], "color": "grey", "scale": [-1, 1]}),
    ((25, 23, 4), {"size": [4, 3], "scale": [-20, 300]}),
    *(((7, 5, 3), {"size": [4, 8], "resize": name, "scale": [0, 255]}) for name in METHODS),
    *(((11, 23, 4), {"size": [3, 4], "resize": name, "color": "grey"}) for name in METHODS),
    *(((17, 9, 3), {**CROP, "resize": name}) for name in METHODS),
    *(((9, 4, 3), {**LETTERBOX, "resize": name, "border": "replicate"}) for name in METHODS),
    ((4, 11, 3), LETTERBOX),
    ((12, 4, 3), {**LETTERBOX, "border": [114, 20, 255]}),
    ((12, 4, 3), {**LETTERBOX, "border": [114, 20, 255], "color": "grey"}),
    ((4, 11, 3), {**LETTERBOX, "fit": "pad", "border": [1, 2, 3], "color": "bgr"}),
    ((30, 41, 3), {**LETTERBOX, "fit": "pad"}),
    ((10, 21, 3), CROP),
    ((40, 31, 3), {**CROP, "fit": "crop-first"}),
    ((7, 9, 3), {"size": [4, 4], "fit": "crop-first", "resize": "bicubic-antialias"}),
    ((4, 5, 3), {"mean": MEAN, "std": STD}),
    ((4, 5, 3), {"color": "bgr", "scale": [0, 255], "mean": [103.939, 116.779, 123.68]}),
    ((4, 5, 3), {"color": "grey", "mean": [0.5], "std": [0.25]}),
    ((4, 5, 3), {"layout": "nchw", "size": [3, 3], "color": "bgr", "std": [0.5]}),
]
#: Beyond what they hold at both ends; and with halves, which go to the even side.
INTEGERS = [
    ("uint8", [-10, 300]),
    ("int8", [-200, 200]),
    ("uint16", [-5, 70_000]),
    ("int16", [-40_000, 40_000]),
    ("uint8", [0, 127.5]),
    ("int32", [-63.5, 64]),
]
#: Around the middle, turned and small; and larger than the image, beyond its border.
REGIONS = [
    (Region(6.5, 4.25, 5, 4, 0.6), {"size": [4, 5]}),
    (Region(1, 9, 14.5, 11, -2.1), {"size": [6, 4], "border": "replicate", "scale": [-1, 1]}),
    (Region(3, 3, 20, 20, 3.0), {"size": [5, 5], "border": [9, 99, 200], "color": "bgr"}),
    (Region(6, 5, 12, 10, 0.0), {"size": [10, 12], "color": "grey", "scale": [0, 255]}),
    # Of another shape than the input.
    (Region(5, 6, 8, 4, 0.5), LETTERBOX),
    (Region(7, 4, 3, 7, -0.25), {**LETTERBOX, "fit": "pad", "border": "replicate"}),
    (Region(6, 5, 9, 6, 1.0), CROP),
    (Region(6, 5, 5, 8, -1.5), {**CROP, "fit": "crop-first"}),
]
#: Squares around boxes and points, turned by points of each kind.
AROUND: list[Case] = [
    {},
    {"right": [0, 3], "scale": 1.5},
    {"up": [4, 2], "scale": 2.6, "shift": [0.25, -0.5]},
    {"circle": [6, 7], "up": [6, 7], "scale": 1.25},
    {"circle": [1, 5], "right": [5, 0], "shift": [-0.1, 0.3]},
]
POINTS = [[0.0, 0.0], [3.5, 1.25], [8.0, 6.0]]


def cases() -> dict[str, list[Case]]:
    """All of them, by what is tested."""
    chance = np.random.default_rng(7)
    ramp = np.arange(0, 256, 3, np.uint8)[None, :, None].repeat(3, 2)
    given = [(chance.integers(0, 256, shape, np.uint8), "float32", how) for shape, how in IMAGES]
    given += [(ramp, dtype, {"scale": scale}) for dtype, scale in INTEGERS]
    images = [encoded(pixels, how) | {"dtype": dtype} for pixels, dtype, how in given]
    regions = [
        encoded(chance.integers(0, 256, (10, 12, 3), np.uint8), how) | {"region": vars(region)}
        for region, how in REGIONS
    ]
    return {
        "images": [{**one, "values": input_of(one), "origin": origin(one)} for one in images],
        "around": [{**one, **square_of(one)} for one in arounds()],
        "regions": [{**one, "values": crop_of(one), "origin": crop_origin(one)} for one in regions],
    }


def arounds() -> list[Case]:
    """Answers, and how squares are made of them."""
    chance = np.random.default_rng(11)
    cases: list[Case] = []
    for how in AROUND:
        x, y, *points = np.round(chance.uniform(-40, 300, 18), 2).tolist()
        width, height = np.round(chance.uniform(5, 200, 2), 2).tolist()
        keypoints = [{"x": a, "y": b} for a, b in zip(points[::2], points[1::2], strict=True)]
        answer = {"keypoints": keypoints[:6], "auxiliary": keypoints[6:]}
        boxed = {"box": {"x": x, "y": y, "width": width, "height": height}}
        whole = Around.model_validate(how).model_dump(mode="json")
        cases += [{"answer": answer, "how": whole}, {"answer": answer | boxed, "how": whole}]
    return cases


def square_of(case: Case) -> Case:
    return {"square": vars(region_of(case["answer"], Around.model_validate(case["how"])))}


def encoded(pixels: NDArray[np.uint8], how: Case) -> Case:
    options = ImageOptions.model_validate(how).model_dump(mode="json")
    return {"pixels": base64.b64encode(pixels.tobytes()).decode(), "shape": pixels.shape} | {
        "image": options
    }


def decoded(case: Case) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(case["pixels"]), np.uint8).reshape(case["shape"])


def input_of(case: Case) -> list[float]:
    """What the pipeline makes of an image for a model."""
    options = ImageOptions.model_validate(case["image"])
    values = laid_out(apply(decoded(case), options), options, (None, None, None, None))
    return figures(cast(values, case["dtype"]))


def origin(case: Case) -> Case:
    """How it lies there, and where points of the input are in the image."""
    return _told(vars(origin_of(ImageOptions.model_validate(case["image"]), *case["shape"][:2])))


def crop_origin(case: Case) -> Case:
    """The same of a crop, whose size is as the options have it."""
    return _told(fitted(case).origin(case["image"]["size"], case["shape"][:2]))


def _told(found: dict[str, Any]) -> Case:
    points = to_image(POINTS, found["scale"], found["pad"], found.get("turn")).tolist()
    return {name: np.asarray(value).tolist() for name, value in found.items()} | {"points": points}


def crop_of(case: Case) -> list[float]:
    options = ImageOptions.model_validate(case["image"])
    return figures(apply_region(decoded(case), fitted(case), options))


def fitted(case: Case) -> Region:
    return fit_region(Region(**case["region"]), ImageOptions.model_validate(case["image"]))


def figures(values: NDArray[Any]) -> list[float]:
    """Flat, with as many figures as tell any two of float32 apart."""
    return [float(f"{value:.9g}") for value in values.ravel().astype(np.float64)]


def lines(parts: dict[str, list[Case]]) -> Iterable[str]:
    """JSON with a case a line."""
    for name, entries in parts.items():
        rows = ",\n".join(json.dumps(one) for one in entries)
        yield f"{json.dumps(name)}: [\n{rows}\n]"


if __name__ == "__main__":
    FILE.write_text("{\n" + ",\n".join(lines(cases())) + "\n}\n")
