"""A share of right answers, with how sure it is."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The standard normal's 97.5 % quantile: of a two-sided interval of 95 %.
Z = 1.959963984540054


def share(metric: str, right: NDArray[np.bool_]) -> dict[str, Any]:
    """What a task's ``accuracy`` returns where each sample is right or wrong.

    Args:
        metric: its name.
        right: bool [n], n at least 1.

    Returns:
        ``{"metric", "value": 0 to 1, "samples": n, "low", "high"}``: the bounds are those of the
        95 % Wilson interval.
    """
    count = len(right)
    low, high = wilson(int(right.sum()), count)
    value = float(right.mean())
    return {"metric": metric, "value": value, "samples": count, "low": low, "high": high}


def wilson(successes: int, count: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion: Wilson (1927), doi 10.1080/01621459.1927.10502953.

    It holds near 0 and 1 too, where the usual one shrinks to nothing. SciPy's ``binomtest`` gives
    the same numbers, after an import of half a second that every cold build would pay for.
    """
    shrunk = Z**2 / count
    centre = successes / count + shrunk / 2
    reach = sqrt(shrunk * (successes * (count - successes) / count**2 + shrunk / 4))
    low, high = ((centre + way * reach) / (1 + shrunk) for way in (-1, 1))
    # Rounding may leave 0 and 1 by the last bit.
    return max(low, 0.0), min(high, 1.0)
