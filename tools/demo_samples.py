"""The demo page's digits: ``python -m tools.demo_samples`` writes them anew.

Three of each class to pick, the first of the test split, which the bundled model was not trained
on; how the data set draws; and typical digits of the other split, from which what is no digit lies
farther away than real ones do.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.bundled.digits import LICENSE, TITLE, digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.int64]

STAGE = Path(__file__).parents[1] / "pipeline" / "inputs" / "image" / "stage"
FILE = STAGE / "digits.json"
ROWS = 3
CREDIT = (
    "Digits: E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, "
    f"doi 10.24432/C50P49, {LICENSE.replace('-', ' ')}."
)
#: Ink is counted in blocks of 4x4 of a bitmap, 8x8 of them; the pen's width as the writers had it.
LOOK = {"side": 8, "block": 4, "pen": 3.5}
#: Typical images of each class, and the share of unseen digits that are as near to one of them.
TYPICAL, NEAR = 8, 0.995


def samples() -> dict[str, Any]:
    """What the file holds: ``pixels`` are bytes of 8x8 images, one after the other.

    ``description`` is that of the samples in a release's manifest, for whose models this is.
    """
    images, labels = digits("test")
    chosen = [[i for i, label in enumerate(labels) if label == digit][:ROWS] for digit in range(10)]
    order = [chosen[digit][row] for row in range(ROWS) for digit in range(10)]
    return {
        "description": TITLE,
        "credit": CREDIT,
        "look": LOOK,
        "like": _like(_flat(images)),
        "labels": [str(labels[i]) for i in order],
        "pixels": base64.b64encode(images[order].tobytes()).decode(),
    }


def _like(unseen: Pixels) -> dict[str, Any]:
    """Typical digits, and how far from the nearest one, squared, a digit may lie."""
    import numpy as np

    images, labels = digits("calibration")
    typical = np.concatenate([_typical(_flat(images[labels == digit])) for digit in range(10)])
    nearest = np.sort(_squared_distances(unseen, typical).min(axis=1))
    return {
        "squared_distance": int(nearest[int(NEAR * len(nearest))]),
        "pixels": base64.b64encode(typical.astype(np.uint8).tobytes()).decode(),
    }


def _typical(images: Pixels) -> Pixels:
    """Those to which all others lie nearest, chosen one after the other (greedy k-medoids)."""
    import numpy as np

    distances = _squared_distances(images, images)
    nearest, chosen = distances.max(axis=1), []
    for _ in range(TYPICAL):
        chosen.append(int(np.minimum(nearest, distances).sum(axis=1).argmin()))
        nearest = np.minimum(nearest, distances[chosen[-1]])
    return images[chosen]


def _squared_distances(one: Pixels, other: Pixels) -> Pixels:
    """int64 [n, m] of [n, 64] and [m, 64]: whole numbers, the same on every processor."""
    distances: Pixels = ((one[:, None] - other[None]) ** 2).sum(axis=-1)
    return distances


def _flat(images: NDArray[np.uint8]) -> Pixels:
    import numpy as np

    return images.reshape(len(images), -1).astype(np.int64)


if __name__ == "__main__":
    FILE.write_text(json.dumps(samples(), indent=1) + "\n")
