"""Anchors of a single-shot detector. The twin is ``anchors.js``.

The rules are those of MediaPipe's ``ssd_anchors_calculator.cc``, which with ``reduce_lowest`` are
TensorFlow's (Liu et al. 2016, arXiv:1512.02325, sec. 2.2).
"""

from __future__ import annotations

import math
from functools import cache
from itertools import groupby

from pipeline.tasks.object_detection.options import Anchors
from pipeline.tensors.arrays import Float64s, np


@cache
def make_anchors(options: Anchors) -> Float64s:
    """[n, 4]: centre x, centre y, width and height, as shares of the input."""
    height, width = (options.size,) * 2 if isinstance(options.size, int) else options.size
    rows = []
    for stride, layers in groupby(range(len(options.strides)), options.strides.__getitem__):
        sizes = [size for layer in layers for size in _sizes(options, layer)]
        down, across = math.ceil(height / stride), math.ceil(width / stride)
        for y in range(down):
            for x in range(across):
                centre = ((x + options.offset) / across, (y + options.offset) / down)
                rows += [(*centre, *size) for size in sizes]
    return np.array(rows, np.float64)


def _sizes(options: Anchors, layer: int) -> list[tuple[float, float]]:
    """Width and height of each anchor at a place of a layer."""
    scale = _scale(options, layer)
    if layer == 0 and options.reduce_lowest:
        pairs = [(1.0, 0.1), (2.0, scale), (0.5, scale)]
    else:
        pairs = [(ratio, scale) for ratio in options.aspect_ratios]
        if options.interpolated > 0:
            pairs.append((options.interpolated, math.sqrt(scale * _scale(options, layer + 1))))
    if options.fixed_size:
        return [(1.0, 1.0)] * len(pairs)
    return [(size * math.sqrt(ratio), size / math.sqrt(ratio)) for ratio, size in pairs]


def _scale(options: Anchors, layer: int) -> float:
    """The size of a layer's anchors, as a share of the input; behind the last one, all of it."""
    first, last = options.scales
    count = len(options.strides)
    if layer == count:
        return 1.0
    return (first + last) / 2 if count == 1 else first + (last - first) * layer / (count - 1)
