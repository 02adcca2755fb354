"""The bundled data set: UCI Optical Recognition of Handwritten Digits (LICENSE-DIGITS.md)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = Path(__file__).with_name("digits.npz")
TITLE = "UCI Optical Recognition of Handwritten Digits"
LICENSE = "CC-BY-4.0"
ATTRIBUTION = (
    "E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, "
    "UCI Machine Learning Repository, https://doi.org/10.24432/C50P49"
)


def digits(split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The digits of a split: 1,437 of ``calibration``, 360 of ``test``.

    Returns:
        Images, uint8 [n, 8, 8] from 0 (paper) to 255 (ink), and labels, int64 [n] from 0 to 9.
    """
    import numpy as np

    with np.load(FILE, allow_pickle=False) as data:
        rows = data["split"] == split
        images, labels = data["images"][rows], data["labels"][rows]
    # The file keeps the data set's own values, 0 to 16.
    return np.rint(images * (255 / 16)).astype(np.uint8), labels.astype(np.int64)
