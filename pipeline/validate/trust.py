"""Whether the source model itself does on the samples what it is for.

All else is measured against the source, so that every artifact of a model that is given its images
in a way that it was not trained on passes. Accuracy shows it, where samples have labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.measures import words
from pipeline.measures.metrics import metric_of

#: How much worse than what a config states is far: five points, or a twentieth of what is no share.
#: Another choice of samples, or of the way to resize them, takes a point or two.
FAR = 0.05

#: What most often causes it, in the order in which it is met.
CAUSES = "how images are resized, their scale, the order of channels, or the order of labels"


def doubt(accuracy: Mapping[str, Any] | None, stated: float | None) -> str | None:
    """Why the source itself is not to be trusted, in words; ``None`` where nothing says so.

    Args:
        accuracy: of the source on the test samples, as ``golden.make`` wrote it; ``None`` without
            labels.
        stated: what the config says that it should be (``source.accuracy``).
    """
    if not accuracy or "low" not in accuracy:
        return None
    metric = metric_of(accuracy["metric"])
    measured = f"{metric.words} of the source model itself is {words.score(accuracy)} on "
    measured += words.count(accuracy["samples"], "sample")
    if stated is not None:
        best, far = accuracy["high" if metric.is_floor else "low"], FAR * metric.scale(stated)
        is_far = metric.excess(best, stated) > 0 and metric.excess(accuracy["value"], stated) > far
        in_words = words.value_of(metric.name, stated)
        return f"{measured}, and source.accuracy says {in_words}" if is_far else None
    chance = accuracy.get("chance")
    if chance is None or not _near(accuracy, chance):
        return None
    same = words.value_of(metric.name, chance)
    return f"{measured}, no more than chance explains: one answer to all gets {same}"


def remedy(doubted: str) -> str:
    """What to do about a doubt."""
    stated = (
        "" if "source.accuracy" in doubted else "; if it is meant to be so, say source.accuracy"
    )
    return (
        f"most often the cause is {CAUSES}: `pipeline doctor CONFIG` tries the usual ones{stated}"
    )


def _near(accuracy: Mapping[str, Any], chance: float) -> bool:
    """Whether the interval reaches down to chance, and not only since the samples are few."""
    return bool(accuracy["low"] <= chance and accuracy["value"] < (1 + chance) / 2)
