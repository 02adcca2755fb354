"""Shares of right answers, and how sure they are."""

from __future__ import annotations

from math import copysign, inf, sqrt
from typing import TYPE_CHECKING, Any

from pipeline.tensors.arrays import NDArray, np

if TYPE_CHECKING:
    from collections.abc import Callable

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


def wilson(successes: float, count: float) -> tuple[float, float]:
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


def paired_difference(lost: float, gained: float, count: float) -> tuple[float, float]:
    """The 95 % score interval of how much smaller a second share of the same samples is.

    Tango (1998), doi 10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B: all
    differences that a test of their score does not reject. It depends on the samples on which the
    two differ, and not on the many that both get right. Fagerland et al. (2014), doi
    10.1002/sim.6148, recommend it.

    Args:
        lost: samples that only the first one gets right.
        gained: samples that only the second one gets right.
        count: all samples.

    Returns:
        Bounds of ``(lost - gained) / count``, from -1 to 1.
    """
    difference = (lost - gained) / count
    low = _crossing(lambda d: _score(lost, gained, count, d) - Z, -1.0, difference)
    high = _crossing(lambda d: _score(lost, gained, count, d) + Z, difference, 1.0)
    return low, high


def _score(lost: float, gained: float, count: float, difference: float) -> float:
    """Tango's statistic: how many standard deviations a difference is too small; falls with it."""
    b = -lost - gained + (2 * count - lost + gained) * difference
    c = -gained * difference * (1 - difference)
    likeliest = (sqrt(max(b * b - 8 * count * c, 0.0)) - b) / (4 * count)
    variance = count * max(2 * likeliest + difference * (1 - difference), 0.0)
    distance = lost - gained - count * difference
    return distance / sqrt(variance) if variance else copysign(inf, distance) if distance else 0.0


def _crossing(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a function from above zero to below it is zero; 50 halvings are float64's digits."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def difference(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    """The lower end of the 95 % interval of how much smaller a second share is.

    Squares are added of what the shares' own intervals leave: Newcombe (1998), doi
    10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10. For samples of
    which nobody knows the pairs; where they are the same, it is on the careful side.

    Args:
        first: a share, and its interval.
        second: another one.
    """
    (share, low, _), (other_share, _, high) = first, second
    return share - other_share - sqrt((share - low) ** 2 + (high - other_share) ** 2)
