"""Folds a trained model and puts its weights exactly on grids. Not a technique itself.

A batch norm's factor for each channel takes no weight off a grid with a step for each channel: it
only scales the steps. So techniques train with batch norms, and what comes out are plain float32
weights ``q * step[channel]`` with whole numbers ``q``, which every codec that knows grids stores
exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tensors.arrays import Float32s, np

if TYPE_CHECKING:
    from pipeline.graphs.keras.fold import Scaled


def settle(layer: Scaled, q: Float32s, step: Float32s, bits: int) -> float:
    """Make the folded kernel of a layer ``q`` times the folded steps, in float32 arithmetic.

    Args:
        layer: the layer before and after folding.
        q: whole numbers in the shape of the kernel.
        step: what one of them stands for before folding, broadcast to the kernel's shape.
        bits: significant bits of a folded step.

    Returns:
        The entropy of ``q``: how many bits a weight needs.
    """
    from pipeline.graphs.keras.fold import along, kernel_of
    from pipeline.weights.bits import entropy, significant

    scale = along(layer.before, layer.scale)
    width = significant(np.abs(step * scale), bits).astype(np.float32)
    kernel_of(layer.after).assign(q * np.sign(scale).astype(np.float32) * width)
    return round(entropy(q), 3)


def settle_bias(layer: Any, levels: int) -> None:
    """Round a layer's bias to multiples of a power of two, at most ``levels`` of them."""
    if not layer.use_bias:
        return
    values = layer.bias.numpy()
    reach = float(np.abs(values).max(initial=0))
    step = 2.0 ** np.ceil(np.log2(reach / (levels // 2))) if reach else 1.0
    layer.bias.assign(np.rint(values / step) * step)
