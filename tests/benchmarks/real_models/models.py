"""The models, and parts of photographs as a detector or a camera would give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from pipeline.bundled.photos import FOLDER, PARTS
from pipeline.tensors.arrays import np

CONFIGS = Path(__file__).parents[3] / "configs"
SEED = 0

#: The middle of the astronaut's face, and of her body, in pixels of the photograph.
FACE, BODY = (224, 110), (240, 280)


@dataclass(frozen=True)
class Model:
    """A model, and how it is shown photographs."""

    agreement: str
    """The metric of its answers."""
    middle: tuple[int, int]
    """Of what it looks for in the astronaut."""
    sides: tuple[int, int]
    """The least and the largest side of a part, in pixels."""
    parts: int
    """How many, of which half are for the test."""


MODELS: Mapping[str, Model] = {
    "movenet": Model("keypoint_agreement", BODY, (330, 512), 48),
    "facemesh": Model("face_agreement", FACE, (150, 320), 72),
}


def config(name: str) -> dict[str, Any]:
    """One of ``MODELS`` as its config has it, alone."""
    whole: dict[str, Any] = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
    whole.pop("region", None)
    return whole


def write_parts(model: Model, folder: Path) -> Path:
    """Write images into a folder: five of six of the astronaut, the others of what no model
    here looks for; every other one mirrored."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(SEED)
    for index, (photo, box) in enumerate(_boxes(model, chance)):
        with Image.open(FOLDER / f"{photo}.jpg") as image:
            part = image.convert("RGB").crop(box)
        if index % 2:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        part.save(folder / f"{index:03}.png")
    return folder


def _boxes(
    model: Model, chance: np.random.Generator
) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    others = [name for name in PARTS["test"] if name != "astronaut"]
    for index in range(model.parts):
        shows = index % 6
        photo = "astronaut" if shows else others[index // 6 % len(others)]
        width, height = Image.open(FOLDER / f"{photo}.jpg").size
        side = min(int(chance.uniform(*model.sides)), width, height)
        middle = model.middle if shows else (width // 2, height // 2)
        moved = np.rint(middle + chance.uniform(-0.1, 0.1, 2) * side - side / 2)
        left, top = np.clip(moved, 0, (width - side, height - side)).astype(int).tolist()
        yield photo, (left, top, left + side, top + side)
