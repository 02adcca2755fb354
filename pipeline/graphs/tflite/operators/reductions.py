"""Operators that make fewer numbers of many, and those that sort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tflite.call import Call, Write


def _reduce(name: str) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        keep = bool(call.option("KeepDims"))
        return getattr(tf, f"reduce_{name}")(call.inputs[0], call.integers(1), keep)

    return write


def _arg(name: str) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        axis, dtype = call.integers(1)[0], call.given[0].dtype
        return getattr(tf, name)(call.inputs[0], axis, output_type=dtype)

    return write


def _top_k(call: Call) -> Any:
    import tensorflow as tf

    return list(tf.math.top_k(call.inputs[0], call.inputs[1]))


def _cumsum(call: Call) -> Any:
    import tensorflow as tf

    return tf.cumsum(
        call.inputs[0],
        call.integers(1)[0],
        exclusive=bool(call.option("Exclusive")),
        reverse=bool(call.option("Reverse")),
    )


def _suppress(call: Call) -> Any:
    """Non-maximum suppression; its outputs are filled up to the most that it may give."""
    import tensorflow as tf

    boxes, scores, most, overlap, least, *sigma = call.inputs
    indices, kept, count = tf.raw_ops.NonMaxSuppressionV5(
        boxes=boxes,
        scores=scores,
        max_output_size=most,
        iou_threshold=overlap,
        score_threshold=least,
        soft_nms_sigma=sigma[0] if sigma else tf.constant(0.0),
        pad_to_max_output_size=True,
    )
    return [indices, kept, count] if sigma else [indices, count]


OPERATORS: Mapping[str, Write] = {
    "MEAN": _reduce("mean"),
    "SUM": _reduce("sum"),
    "REDUCE_PROD": _reduce("prod"),
    "REDUCE_MAX": _reduce("max"),
    "REDUCE_MIN": _reduce("min"),
    "REDUCE_ANY": _reduce("any"),
    "REDUCE_ALL": _reduce("all"),
    "ARG_MAX": _arg("argmax"),
    "ARG_MIN": _arg("argmin"),
    "TOPK_V2": _top_k,
    "CUMSUM": _cumsum,
    "NON_MAX_SUPPRESSION_V4": _suppress,
    "NON_MAX_SUPPRESSION_V5": _suppress,
}
