"""The demo page's digits: ``python -m pipeline.bundled.demo_samples`` writes them anew.

Three of each class, the first of the test split, which the bundled model was not trained on.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from pipeline.bundled.digits import LICENSE, digits

FILE = Path(__file__).parents[1] / "client" / "demo" / "samples.json"
ROWS = 3
CREDIT = (
    "Digits: E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, "
    f"doi 10.24432/C50P49, {LICENSE.replace('-', ' ')}."
)


def samples() -> dict[str, Any]:
    """What the file holds: ``pixels`` are bytes of 8x8 images, one after the other."""
    images, labels = digits("test")
    chosen = [[i for i, label in enumerate(labels) if label == digit][:ROWS] for digit in range(10)]
    order = [chosen[digit][row] for row in range(ROWS) for digit in range(10)]
    return {
        "credit": CREDIT,
        "labels": [str(labels[i]) for i in order],
        "pixels": base64.b64encode(images[order].tobytes()).decode(),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(samples(), indent=1) + "\n")
