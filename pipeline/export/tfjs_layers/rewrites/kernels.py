"""Kernels of convolutions that TF.js' layers do not know, as kernels with zeros in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.export.tfjs_layers.piece import own_weights
from pipeline.tensors.arrays import Array, np


def spread(kernel: Array, rates: Sequence[int]) -> Array:
    """A dilated kernel, [*window, …], with zeros in its gaps."""
    sizes = [
        (size - 1) * rate + 1 for size, rate in zip(kernel.shape[: len(rates)], rates, strict=True)
    ]
    wide = np.zeros((*sizes, *kernel.shape[len(rates) :]), kernel.dtype)
    wide[tuple(slice(None, None, rate) for rate in rates)] = kernel
    return wide


def ungroup(layer: Any) -> Mapping[str, Array] | None:
    """A grouped convolution's weights as those of one that reads all channels; None of others.

    Its kernel has as many times more values as there are groups.
    """
    if layer.groups == 1:
        return None
    weights = dict(own_weights(layer))
    kernel = weights["kernel"]
    *_, inner, outer = kernel.shape
    part = outer // layer.groups
    whole = np.zeros((*kernel.shape[:-2], inner * layer.groups, outer), kernel.dtype)
    for group in range(layer.groups):
        read, written = (slice(group * size, (group + 1) * size) for size in (inner, part))
        whole[..., read, written] = kernel[..., written]
    return {**weights, "kernel": whole}
