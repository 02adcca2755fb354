"""What so many samples can tell and what they cannot, in words."""

from __future__ import annotations

from pipeline.measures import words
from pipeline.measures.proportion import paired_difference
from pipeline.report.release import Release
from pipeline.validate.sampling import Undecided


def undecided(release: Release) -> list[str]:
    """Shares beyond their bounds by no more than chance explains; one line an artifact and bound.

    ``onnx/small on ort-wasm in Chromium: 0.56 points lost, at most 0.50 allowed: within what 360
    samples can tell; 68,000 would decide``.
    """
    found: dict[str, tuple[Undecided, list[str]]] = {}
    for proof in release.proofs:
        for one in proof.undecided:
            key = f"{proof.artifact} {one.metric} {one.bound}"
            worst, targets = found.setdefault(key, (one, []))
            if abs(one.value - one.bound) > abs(worst.value - worst.bound):
                found[key] = one, targets
            targets.append(proof.target)
    return [
        f"{key.partition(' ')[0]} on {words.targets(targets)}: {told(one)}"
        for key, (one, targets) in found.items()
    ]


def told(one: Undecided) -> str:
    """One of them, without its artifact and target."""
    if one.metric == "accuracy_drop":
        what = f"{_points(one.value)} points lost, at most {_points(one.bound)} allowed"
    else:
        value, bound = (words.value_of(one.metric, share) for share in (one.value, one.bound))
        what = f"{words.metric(one.metric)} {value}, at least {bound} asked for"
    more = f"{_rounded(one.needed):,}" if one.needed else "more than 10 million"
    samples = words.count(one.samples, "sample")
    return f"{what}: within what {samples} can tell; {more} would decide"


def unseen(samples: int) -> str:
    """How much may be lost where samples show no loss, by Tango's interval."""
    _, high = paired_difference(0, 0, samples)
    return f"a loss below {_points(high)} points may not show on so few"


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _rounded(count: int) -> int:
    """Two digits of it, rounded up: more would promise what a share of few samples cannot."""
    unit: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit
