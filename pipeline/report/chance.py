"""What so many samples can tell and what they cannot, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.measures import words
from pipeline.measures.metrics import LOSS, metric_of
from pipeline.measures.proportion import paired_difference
from pipeline.validate.sampling import Undecided
from pipeline.validate.verdict import ProofVerdict


def list_undecided(proofs: Iterable[ProofVerdict]) -> list[str]:
    """Shares beyond their bounds by no more than chance explains; one line an artifact and bound.

    ``onnx/small on ort-wasm in Chromium: 0.56 points lost, at most 0.50 allowed: within what 360
    samples can tell; 68,000 would decide``.
    """
    shares: dict[str, tuple[Undecided, str, list[str]]] = {}
    for proof in proofs:
        for share in proof.undecided:
            key = f"{proof.artifact} {share.metric} {share.bound}"
            worst, of, targets = shares.setdefault(key, (share, proof.metric, []))
            if abs(share.value - share.bound) > abs(worst.value - worst.bound):
                shares[key] = share, of, targets
            targets.append(proof.target)
    return [
        f"{key.partition(' ')[0]} on {words.targets(targets)}: {share_in_words(worst, of)}"
        for key, (worst, of, targets) in shares.items()
    ]


def share_in_words(share: Undecided, of: str = "") -> str:
    """One of them, without its artifact and target.

    Args:
        of: the metric that is lost, where it bounds that.
    """
    metric = metric_of(share.metric, of)
    if share.metric == LOSS and metric.is_share:
        what = f"{_points(share.value)} points lost, at most {_points(share.bound)} allowed"
    else:
        value = words.value_of(share.metric, share.value, of)
        asked = "asked for" if metric.is_floor else "allowed"
        what = f"{metric.words} {value}, {words.bound(share.metric, share.bound, of)} {asked}"
    more = f"{_round_up(share.needed):,}" if share.needed else "more than 10 million"
    samples = words.count(share.samples, "sample")
    return f"{what}: within what {samples} can tell; {more} would decide"


def unseen(accuracy: Mapping[str, Any]) -> str:
    """How much may be lost where samples show no loss, by Tango's interval; empty for no share."""
    if not metric_of(accuracy["metric"]).is_share:
        return ""
    _, high = paired_difference(0, 0, accuracy["samples"])
    return f"; a loss below {_points(high)} points may not show on so few"


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _round_up(count: int) -> int:
    """Two digits of it, rounded up: more would promise what a share of few samples cannot."""
    unit: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit
