"""What so many samples can tell and what they cannot, in words."""

from __future__ import annotations

from typing import Any

from pipeline.measures import words
from pipeline.measures.proportion import paired_difference
from pipeline.report.release import Release

#: A fact as the manifest has it: ``validate.sampling.Undecided``.
Fact = dict[str, Any]


def undecided(release: Release) -> list[str]:
    """Shares beyond their bounds by no more than chance explains; one line an artifact and bound.

    ``onnx/small on ort-wasm in Chromium: 0.56 points lost, at most 0.50 allowed: within what 360
    samples can tell; 68,000 would decide``.
    """
    found: dict[str, tuple[Fact, list[str]]] = {}
    for proof in release.proofs:
        for one in proof.record.get("undecided") or []:
            key = f"{proof.artifact} {one['metric']} {one['bound']}"
            worst, targets = found.setdefault(key, (one, []))
            if abs(one["value"] - one["bound"]) > abs(worst["value"] - worst["bound"]):
                found[key] = one, targets
            targets.append(proof.target)
    return [
        f"{key.partition(' ')[0]} on {words.targets(targets)}: {told(one)}"
        for key, (one, targets) in found.items()
    ]


def told(one: Fact) -> str:
    """One of them, without its artifact and target."""
    if one["metric"] == "accuracy_drop":
        what = f"{_points(one['value'])} points lost, at most {_points(one['bound'])} allowed"
    else:
        values = (words.value_of(one["metric"], one[name]) for name in ("value", "bound"))
        what = "{} {}, at least {} asked for".format(words.metric(one["metric"]), *values)
    needed = one["needed"]
    more = f"{_rounded(needed):,} would decide" if needed else "more than 10 million would decide"
    return f"{what}: within what {words.count(one['samples'], 'sample')} can tell; {more}"


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
