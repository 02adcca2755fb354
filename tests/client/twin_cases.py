"""Inputs and the answers that Python gives to them, for the tests of its twins in JavaScript.

``python -m tests.client.twin_cases`` writes ``unit/cases.json`` anew. ``test_unit.py`` holds that
Python still answers so, and ``unit/*.test.mjs`` that JavaScript does.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.folder import pixels_to_input
from pipeline.tasks.image_classification import ranked
from pipeline.tensors.signature import TensorSpec
from pipeline.validate import canary

FILE = Path(__file__).with_name("unit") / "cases.json"

Array = NDArray[Any]
Case = dict[str, Any]

#: Height, width and channels of a picture, and what becomes of it: nothing, larger, smaller, from
#: one pixel, far smaller (where JavaScript reads it in part), grey, and with alpha.
PICTURES: list[tuple[tuple[int, ...], Case]] = [
    ((5, 7, 3), {"color": "rgb", "scale": [0, 255]}),
    ((5, 7, 3), {"size": [8, 6], "color": "rgb", "scale": [-1, 1]}),
    ((9, 4, 4), {"size": [6, 8], "color": "rgb", "scale": [-1, 1]}),
    ((1, 1, 3), {"size": [3, 3], "color": "rgb", "scale": [0, 1]}),
    ((13, 29, 3), {"size": [4, 5], "color": "grey", "scale": [0, 1]}),
    ((31, 17, 4), {"size": [5, 4], "color": "grey", "scale": [-1, 1]}),
    ((25, 23, 4), {"size": [4, 3], "color": "rgb", "scale": [-20, 300]}),
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
SCORES = [[0.1, 0.3, 0.05, 0.3, 0.1, 0.15], [0.25] * 4, [1.0, 0.0]]
LOGITS = [[1000.0, 998.0, 999.0], [-1000.0, -1000.0], [0.5, -0.25, 3.0]]


def cases() -> dict[str, list[Case]]:
    """All of them, by what is tested."""
    chance = np.random.default_rng(7)
    ramp = np.arange(0, 256, 3, np.uint8)[None, :, None].repeat(3, 2)
    pictures = [
        (chance.integers(0, 256, shape, np.uint8), "float32", how) for shape, how in PICTURES
    ]
    pictures += [(ramp, dtype, {"scale": scale}) for dtype, scale in INTEGERS]
    inputs = [
        {"pixels": base64.b64encode(image.tobytes()).decode(), "shape": image.shape}
        | {"dtype": dtype, "image": ImageOptions(**how).model_dump(mode="json")}
        for image, dtype, how in pictures
    ]
    return {
        "inputs": [{**one, "values": input_of(one)} for one in inputs],
        "canaries": [{**one, "values": canary_of(one)} for one in canaries(chance)],
        "ranked": [{"scores": one, "order": order_of(one)} for one in SCORES],
        "probabilities": [{"logits": one, "values": softmax_of(one)} for one in LOGITS],
    }


def input_of(case: Case) -> list[float]:
    """What the pipeline makes of a picture for a model."""
    image = np.frombuffer(base64.b64decode(case["pixels"]), np.uint8).reshape(case["shape"])
    how = ImageOptions(**case["image"])
    height, width = how.size or image.shape[:2]
    shape = (None, height, width, 3 if how.color == "rgb" else 1)
    spec = TensorSpec("image", case["dtype"], shape)
    return figures(pixels_to_input([image], 1, how, spec, "cases"))


def canaries(chance: np.random.Generator) -> list[Case]:
    """Inputs of all kinds, as manifests have them."""
    samples: dict[str, Array] = {
        "image": chance.normal(size=(18, 33, 3)).astype("float32"),
        "bytes": chance.integers(0, 256, (9, 7), "uint8"),
        "tokens": chance.integers(0, 30_000, (600,), "int32"),
        "long": chance.integers(-9, 9, (12,), "int64"),
        "flags": chance.integers(0, 2, (5,)).astype(bool),
        "double": chance.normal(size=(4, 4)),
    }
    return [
        {"encoded": canary.encode(one, TensorSpec(name, one.dtype.name, (None, *one.shape)))}
        for name, one in samples.items()
    ]


def canary_of(case: Case) -> list[float]:
    return figures(canary.decode(case["encoded"]))


def order_of(scores: list[float]) -> list[int]:
    return [int(one) for one in ranked({"y": np.array([scores], np.float32)}, len(scores))[0]]


def softmax_of(logits: list[float]) -> list[float]:
    powers = np.exp(np.array(logits) - max(logits))
    return figures(powers / powers.sum())


def figures(values: Array) -> list[float]:
    """Flat, with as many figures as float32 has."""
    return [float(f"{value:.8g}") for value in values.ravel().astype(np.float64)]


def lines(parts: dict[str, list[Case]]) -> Iterable[str]:
    """JSON with a case a line."""
    for name, entries in parts.items():
        rows = ",\n".join(json.dumps(one) for one in entries)
        yield f"{json.dumps(name)}: [\n{rows}\n]"


if __name__ == "__main__":
    FILE.write_text("{\n" + ",\n".join(lines(cases())) + "\n}\n")
