"""Whether an artifact names the classes that the golden names."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.base.registry import discover
from pipeline.tensors.arrays import Array


def agreement(
    task: str, outputs: Mapping[str, Array], golden: Mapping[str, Array]
) -> dict[str, float | None]:
    """Shares of samples on which an artifact agrees with the golden; ``None``: nothing to compare.

    ``top1_agreement``: both name the same class first. ``top5_agreement``: the golden's first class
    is among the artifact's first five; with five classes or fewer any answer would be, so that
    there is none.
    """
    ranked = getattr(discover("tasks", "accuracy")[task], "ranked", None)
    if ranked is None:
        return {"top1_agreement": None, "top5_agreement": None}
    # One more than is compared, to see whether there are more.
    given, wanted = ranked(outputs, 6), ranked(golden, 1)
    top1 = float((given[:, :1] == wanted).mean())
    top5 = float((given[:, :5] == wanted).any(axis=1).mean()) if given.shape[1] > 5 else None
    return {"top1_agreement": top1, "top5_agreement": top5}
