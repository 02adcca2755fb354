"""Cascades: the small artifact answers, and the large one is asked where that is unsure.

The threshold of confidence is chosen on one half of the test samples so that the two together
answer as the large one does, and what to expect of it is measured on the other half, which
choosing never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline.measures.proportion import share
from pipeline.tensors.arrays import Int64s, np

if TYPE_CHECKING:
    from pipeline.manifest.cascade import Cascade, Expected
    from pipeline.manifest.proof import Validation
    from pipeline.validate.confidence import Confidence

Indices = Int64s


#: On so many of the samples the two may answer otherwise than the large one alone.
LOST = 0.005

#: And so many of the samples it is asked at least, the least sure ones: where the two differ on a
#: few samples only, those few say little of where the next ones will lie.
LEAST_ASKED = 0.05

#: What asks the large one more often than this, or saves less of its bytes, is not worth having.
MOST_ESCALATED, MOST_BYTES = 0.5, 0.9

#: Fewer samples than this in a half say nothing of shares as small as ``LOST``.
LEAST_SAMPLES = 50

#: A rasterizer's times say nothing of a GPU's.
_HARDWARE = ("gpu", "cpu")


@dataclass(frozen=True)
class CascadeCandidate:
    """An artifact that a cascade may be made of."""

    id: str
    format: str
    bytes: int
    """Compressed, where that is known of all."""
    sure: Confidence
    """On all test samples."""
    median_ms: Mapping[str, float]
    """By target that is no rasterizer, those that say most first."""


class _NoCascadeError(Exception):
    """It is not worth having; the message is the reason."""


def cascades(candidates: Sequence[CascadeCandidate]) -> tuple[Cascade | None, str | None]:
    """The smallest format's cascade with the others' in ``others``, or ``None`` and why."""
    results, reasons = [], []
    by_format = sorted(candidates, key=lambda candidate: candidate.format)
    for _, group in groupby(by_format, key=lambda candidate: candidate.format):
        try:
            results.append(_cascade(list(group)))
        except _NoCascadeError as reason:
            reasons.append(str(reason))
    if not results:
        return None, "; ".join(reasons) or "no artifact tells how sure it is of an answer"
    sizes = {candidate.id: candidate.bytes for candidate in candidates}
    best, *others = sorted(results, key=lambda cascade: sizes[cascade["small"]])
    return ({**best, "others": others} if others else best), None


def _cascade(candidates: list[CascadeCandidate]) -> Cascade:
    small, large = pair(candidates)
    calibration, judged = halves(len(small.sure.right))
    threshold = calibrate(small.sure, large.sure, calibration)
    asked = float((small.sure.confidence[calibration] < threshold).mean())
    if asked > MOST_ESCALATED:
        raise _NoCascadeError(f"{small.id} is unsure of {asked:.0%} of the samples")
    return {
        "small": small.id,
        "large": large.id,
        "threshold": threshold,
        "calibrated_on": len(calibration),
        "expected": _expectation_of(small, large, threshold, judged),
    }


def pair(candidates: Sequence[CascadeCandidate]) -> tuple[CascadeCandidate, CascadeCandidate]:
    """The smallest artifact and the most accurate one, of equals the smallest.

    Raises:
        _NoCascadeError: they are one and the same, or much alike in size.
    """
    count = len(candidates[0].sure.right)
    if count < 2 * LEAST_SAMPLES:
        raise _NoCascadeError(f"{count} test samples are too few to calibrate one")
    small = min(candidates, key=lambda candidate: candidate.bytes)
    large = max(candidates, key=lambda candidate: (candidate.sure.right.sum(), -candidate.bytes))
    if large is small:
        alone = f"{small.id} is the only one of its format that could be in one"
        smallest = f"{small.id} is the smallest, and no other of its format is right more often"
        raise _NoCascadeError(smallest if len(candidates) > 1 else alone)
    if small.bytes > MOST_BYTES * large.bytes:
        raise _NoCascadeError(f"{small.id} is hardly smaller than {large.id}")
    return small, large


def halves(count: int) -> tuple[Indices, Indices]:
    """Sample indices to calibrate on, and those to judge on: dealt by a fixed shuffle."""
    order = np.random.default_rng(0).permutation(count)
    return np.sort(order[: count // 2]), np.sort(order[count // 2 :])


def calibrate(small: Confidence, large: Confidence, on: Indices) -> float:
    """The least threshold at which ``LOST`` of the samples at most are lost.

    Raises:
        _NoCascadeError: the two artifacts never differ.
    """
    sure = small.confidence[on].astype(np.float64)
    lost = np.sort(sure[small.answers[on] != large.answers[on]])[::-1]
    if not len(lost):
        raise _NoCascadeError(
            f"the smallest answers as the most accurate one does on all of {len(on)} samples"
        )
    # The surest answer that has to be asked again; the threshold is between it and the next one.
    last = float(
        max([np.quantile(sure, LEAST_ASKED, method="lower"), *lost[int(LOST * len(on)) :]])
    )
    surer = float(sure[sure > last].min(initial=1.0))
    return max((last + surer) / 2, float(np.nextafter(last, 2.0)))


def _expectation_of(
    small: CascadeCandidate, large: CascadeCandidate, threshold: float, judged: Indices
) -> Expected:
    asked = small.sure.confidence[judged] < threshold
    right = {candidate.id: candidate.sure.right[judged] for candidate in (small, large)}
    metric = small.sure.metric
    both = share(metric, right[large.id] * asked + right[small.id] * ~asked)
    escalated = float(asked.mean())
    target = next((name for name in small.median_ms if name in large.median_ms), None)
    ratio = small.median_ms[target] / large.median_ms[target] + escalated if target else None
    return {
        "metric": metric,
        "accuracy": both["value"],
        "low": both["low"],
        "high": both["high"],
        "samples": both["samples"],
        "escalated": escalated,
        "small_accuracy": float(right[small.id].mean()),
        "large_accuracy": float(right[large.id].mean()),
        "bytes_ratio": small.bytes / large.bytes,
        "latency_ratio": ratio,
        "latency_target": target,
    }


def curve(small: Confidence, large: Confidence, on: Indices) -> Iterator[tuple[float, float]]:
    """Share of escalated samples and accuracy, at every threshold, from none escalated to all."""
    order = on[np.argsort(small.confidence[on], kind="stable")]
    gained = large.right[order].astype(np.int64) - small.right[order]
    right = int(small.right[on].sum())
    steps = np.concatenate([[0], np.cumsum(gained)])
    for asked, more in enumerate(steps.tolist()):
        yield asked / len(on), (right + more) / len(on)


def times(results: Sequence[Validation]) -> dict[str, float]:
    """Median milliseconds by target, of proofs in a manifest: those in a GPU's browser first."""
    passed = [
        result
        for result in results
        if result["status"] == "pass" and result["hardware"]["kind"] in _HARDWARE
    ]
    passed.sort(
        key=lambda result: (_HARDWARE.index(result["hardware"]["kind"]), not result["engine"])
    )
    return {result["target"]: result["latency"]["median_ms"] for result in passed}
