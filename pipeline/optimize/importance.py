"""How much a channel matters. Not a technique itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def folded_norms(layer: Any, norm: Any = None) -> Array:
    """How much each output channel of a convolution or dense layer can give, [channels].

    The sum of the absolute weights that make it (Li et al. 2017, arXiv:1608.08710), as they are
    once the batch norm behind it is folded in.

    Args:
        layer: with ``kernel``, whose last axis are output channels.
        norm: a batch norm that reads nothing else, or ``None``.
    """
    import numpy as np

    sums: Array = np.abs(layer.kernel.numpy()).sum(axis=tuple(range(layer.kernel.shape.rank - 1)))
    return sums if norm is None else sums * norm_scale(norm)


def norm_scale(norm: Any) -> Array:
    """By what a batch norm multiplies each channel, without its sign."""
    import numpy as np

    gamma = np.ones(()) if norm.gamma is None else np.abs(norm.gamma.numpy())
    scale: Array = gamma / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    return scale
