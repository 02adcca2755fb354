"""Rounding weights to a grid so that a layer's results, not its weights, change least."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.tensors.arrays import Float64s, Int64s, np

#: Inputs whose errors reach all the others together.
BLOCK = 64


@dataclass(frozen=True)
class RoundingGrid:
    """``weight = number * step`` for whole numbers from ``low`` to ``high``; all broadcast to
    weights [groups, inputs, outputs]."""

    step: Float64s
    low: Float64s
    high: Float64s

    def numbers(self, weights: Float64s) -> Float64s:
        """Each weight's nearest whole number."""
        numbers: Float64s = np.clip(np.rint(weights / self.step), self.low, self.high)
        return numbers


def with_feedback(
    weights: Float64s, grid: RoundingGrid, hessian: Float64s, zeros: Float64s
) -> Float64s:
    """Whole numbers whose errors make up for each other.

    Frantar et al. 2022, "GPTQ" (arXiv:2210.17323): minimizes ``(w - q)^T H (w - q)`` one input
    at a time, the inputs of most variance first; what is left of each error is taken up by those
    after it.

    Args:
        weights: [groups, inputs, outputs].
        grid: where they go.
        hessian: H, positive definite, [groups, inputs, inputs].
        zeros: bool, shaped like the weights: what has to become 0.
    """
    order = np.argsort(-np.einsum("gii->gi", hessian), axis=1, kind="stable")[:, :, None]
    left = np.take_along_axis(weights, order, 1)
    must = np.take_along_axis(zeros, order, 1)
    step, low, high = (
        np.take_along_axis(np.broadcast_to(part, weights.shape), order, 1)
        for part in (grid.step, grid.low, grid.high)
    )
    upper = take_up(hessian, order[:, :, 0])
    rounded = np.empty_like(left)
    count = weights.shape[1]
    for start in range(0, count, BLOCK):
        end = min(start + BLOCK, count)
        errors = np.empty((weights.shape[0], end - start, weights.shape[2]))
        for i in range(start, end):
            number = np.clip(np.rint(left[:, i] / step[:, i]), low[:, i], high[:, i])
            rounded[:, i] = np.where(must[:, i], 0, number)
            error = (left[:, i] - rounded[:, i] * step[:, i]) / upper[:, i, i, None]
            left[:, i + 1 : end] -= upper[:, i, i + 1 : end, None] * error[:, None]
            errors[:, i - start] = error
        left[:, end:] -= np.swapaxes(upper[:, start:end, end:], 1, 2) @ errors
    back = np.argsort(order, axis=1, kind="stable")
    result: Float64s = np.take_along_axis(rounded, back, 1)
    return result


def take_up(hessian: Float64s, order: Int64s | None = None) -> Float64s:
    """How the inputs after each one make up for its error: the upper Cholesky factor of H^-1.

    The square of what is on its diagonal is one over the harm that an error still does then.
    """
    if order is not None:
        hessian = np.take_along_axis(hessian, order[:, :, None], 1)
        hessian = np.take_along_axis(hessian, order[:, None, :], 2)
    inverse = np.linalg.inv(hessian)
    symmetric = (inverse + np.swapaxes(inverse, 1, 2)) / 2
    upper: Float64s = np.swapaxes(np.linalg.cholesky(symmetric), 1, 2)
    return upper
