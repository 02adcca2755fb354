"""How often each magnitude was seen in one tensor."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.tensors.arrays import Array, Int64s, np

#: Equal steps of magnitude, from 0 to the largest.
BINS = 2048


@dataclass(frozen=True)
class Histogram:
    """The values of one tensor over all samples, by sign and magnitude."""

    low: float
    """The least value, or 0."""
    high: float
    """The greatest value, or 0."""
    counts: Int64s
    """[2, BINS]: negative and positive values. Bin k holds magnitudes from k * step to
    (k + 1) * step. Zeros, which every range holds exactly, are in none."""
    zeros: int

    @property
    def peak(self) -> float:
        """The largest magnitude."""
        return max(-self.low, self.high)

    @property
    def step(self) -> float:
        """The width of a bin."""
        return self.peak / BINS

    def clipped(self, threshold: float) -> tuple[float, float]:
        """The range without what is larger than a magnitude; the shorter side may be whole."""
        return max(self.low, -threshold), min(self.high, threshold)


def empty() -> Int64s:
    """Counts of no values."""
    return np.zeros((2, BINS), np.int64)


def count(values: Array, peak: float) -> tuple[Int64s, int]:
    """Counts of float32 values of any shape up to a magnitude, and how many are zero."""
    flat = values.ravel()
    flat = flat[flat != 0]
    scale = BINS / float(peak)
    if scale > float(np.finfo(np.float32).max):
        # Tensors of next to nothing, as dead channels make them.
        flat = flat.astype(np.float64)
    bins = np.minimum((np.abs(flat) * flat.dtype.type(scale)).astype(np.int32), BINS - 1)
    bins += np.where(flat > 0, BINS, 0).astype(np.int32)
    counts = np.bincount(bins, minlength=2 * BINS).reshape(2, BINS)
    return counts, values.size - flat.size
