"""The least loss of information: the Kullback-Leibler divergence of the values before and after.

Migacz (2017), "8-bit Inference with TensorRT", GTC 2017: what is clipped is added to the last bin
kept, bins are merged to as many as there are levels, and spread out again over those that were
not empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.onnx.histogram import Histogram

HISTOGRAM = True

#: The largest share of values that is clipped. Where many values are the same, as behind an image's
#: even background, most of the divergence is theirs and says nothing of how much to clip: without
#: this bound, one layer of the bundled MobileNet lost 5 % of its values, and a quarter of the
#: answers became wrong.
MOST_CLIPPED = 0.001

#: Bins from one threshold that is tried to the next.
STRIDE = 16


def threshold(histogram: Histogram, levels: int, percentile: float) -> float:
    """The upper end of the bins whose values lose the least; of equals the most bins."""
    counts = histogram.counts.sum(axis=0).astype(float)
    bins = len(counts)
    clipped = 1 - (histogram.zeros + np.cumsum(counts)) / (histogram.zeros + counts.sum())
    fewest = max(levels, int(np.argmax(clipped <= MOST_CLIPPED)) + 1)

    def loss(kept: int) -> float:
        low, high = histogram.clipped(kept * histogram.step)
        # Of the levels, those on the longer side of zero.
        return _divergence(counts, kept, round(levels * max(-low, high) / (high - low)))

    best = min(range(bins, fewest - 1, -STRIDE), key=loss)
    return best * histogram.step


def _divergence(counts: Array, kept: int, levels: int) -> float:
    """Of the values with those beyond clipped, from the same on so many levels."""
    wanted = counts[:kept].copy()
    wanted[-1] += counts[kept:].sum()
    merged = np.arange(kept) * levels // kept
    filled = counts[:kept] > 0
    totals = np.bincount(merged, counts[:kept], levels)
    shares = np.bincount(merged, filled, levels)[merged]
    given = np.where(filled, totals[merged] / np.maximum(shares, 1), 0)
    seen = wanted > 0
    if not given.any():
        return float("inf")
    p, q = wanted[seen] / wanted.sum(), given[seen] / given.sum()
    # A last bin that was empty holds what is clipped: as good as impossible, not infinitely bad.
    return float(p @ np.log(p / np.maximum(q, 1e-9)))
