"""How far an artifact's outputs are from the golden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

#: Outputs that vary by less than this share of their size are taken as the same for all samples.
SAME = 1e-3

#: Where probabilities end, so that their logarithm does not: float32's smallest normal number.
SMALLEST = 1.1754944e-38


def compare(
    outputs: Mapping[str, Array], golden: Mapping[str, Array], softmax: Mapping[str, bool]
) -> dict[str, Any]:
    """Parity of every output, and the worst of each number over all outputs.

    Args:
        outputs: [n, …] by public name, as the artifact gave them.
        golden: the same names and shapes.
        softmax: by name, whether an output is a softmax: compared on logits as well.

    Raises:
        ValueError: an output's shape differs from the golden's.
    """
    each = {
        name: _compare_one(outputs[name], golden[name], softmax.get(name, False)) for name in golden
    }
    worst: dict[str, Any] = {}
    for metric, pick in (
        ("max_abs_error", max),
        ("mean_abs_error", max),
        ("relative_error", max),
        ("cosine", min),
        ("logits_max_abs_error", max),
        ("nonfinite", sum),
    ):
        values = [one[metric] for one in each.values() if one.get(metric) is not None]
        worst[metric] = pick(values) if values else None
    return {**worst, "outputs": each}


def _compare_one(values: Array, golden: Array, softmax: bool) -> dict[str, Any]:
    import numpy as np

    if values.shape != golden.shape:
        raise ValueError(f"the output has shape {values.shape}, the golden {golden.shape}")
    given, wanted = values.astype(np.float64), golden.astype(np.float64)
    finite = np.isfinite(given)
    # A NaN is no small error that a mean could hide: count it, and compare zero instead.
    given = np.where(finite, given, 0.0)
    error = np.abs(given - wanted)
    measured = {
        "max_abs_error": float(error.max(initial=0.0)),
        "mean_abs_error": float(error.mean()) if error.size else 0.0,
        "relative_error": _relative_error(given, wanted),
        "cosine": _cosine(given, wanted),
        "nonfinite": int((~finite).sum()),
    }
    if softmax:
        difference = np.abs(logits(given) - logits(wanted))
        measured["logits_max_abs_error"] = float(difference.max(initial=0.0))
    return measured


def _relative_error(given: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Root mean square error over root mean square deviation from the golden's mean sample.

    A model that gives its mean answer to every sample has 1, whatever the outputs' scale and
    offset. For an output that is the same for every sample, its own size is what counts.
    """
    import numpy as np

    error = float(np.sqrt(np.mean((given - wanted) ** 2))) if wanted.size else 0.0
    size = float(np.sqrt(np.mean(wanted**2))) if wanted.size else 0.0
    deviation = float(np.sqrt(np.mean((wanted - wanted.mean(axis=0)) ** 2))) if wanted.size else 0.0
    measure = max(deviation, SAME * size)
    if measure == 0:
        return 0.0 if error == 0 else float(np.finfo(np.float32).max)
    return error / measure


def logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits, centred: ``log p - mean(log p)`` over the last axis.

    A softmax forgets one constant per row; without it, the logits are the
    logarithm of the probabilities. So they need no second output of the model.
    """
    import numpy as np

    logarithm = np.log(np.maximum(probabilities, SMALLEST))
    centred: NDArray[np.float64] = logarithm - logarithm.mean(axis=-1, keepdims=True)
    return centred


def _cosine(given: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """The smallest cosine similarity over samples; two zero vectors agree."""
    import numpy as np

    rows, wanted_rows = given.reshape(len(given), -1), wanted.reshape(len(wanted), -1)
    product = (rows * wanted_rows).sum(axis=1)
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted_rows, axis=1)
    both_zero = ~rows.any(axis=1) & ~wanted_rows.any(axis=1)
    cosine = np.where(norms > 0, product / np.where(norms > 0, norms, 1), both_zero)
    return float(cosine.min(initial=1.0))
