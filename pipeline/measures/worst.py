"""The samples on which an artifact is furthest from the golden, kept to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.tensors.arrays import Array, Float64s, np
from pipeline.tensors.varying import align, pack

#: Outputs of the worst samples, [k, …] by public name, in the order of ``worst``.
FILE = "worst.safetensors"

#: How many samples are kept: enough to see a pattern, few enough for wide outputs.
COUNT = 8


def keep_worst(
    outputs: Mapping[str, Array], golden: Mapping[str, Array], folder: Path
) -> list[dict[str, Any]]:
    """Write the outputs on the worst samples to ``worst.safetensors``.

    Args:
        outputs: [n, …] by public name, as the artifact gave them.
        golden: the same names and shapes.

    Returns:
        ``{"sample": index in the golden, "error": largest absolute difference}``, largest first.
    """
    from safetensors.numpy import save_file

    errors = sample_errors(outputs, golden)
    worst = np.argsort(-errors, kind="stable")[:COUNT]
    save_file(pack({name: values[worst] for name, values in outputs.items()}), folder / FILE)
    return [{"sample": int(i), "error": float(errors[i])} for i in worst]


def sample_errors(outputs: Mapping[str, Array], golden: Mapping[str, Array]) -> Float64s:
    """Of each sample, the largest absolute difference in any element of any output.

    NaN and infinity count as float32's largest number, so that they come first and JSON holds them.
    """
    largest = float(np.finfo(np.float32).max)
    errors_of = []
    for name, right in golden.items():
        ours, expected, _ = align(outputs[name], right)
        with np.errstate(invalid="ignore"):
            error = np.abs(ours.astype(np.float64) - expected.astype(np.float64))
        rows = error.reshape(len(error), -1).max(axis=1, initial=0.0)
        errors_of.append(np.nan_to_num(rows, nan=largest, posinf=largest))
    errors: Float64s = np.max(errors_of, axis=0)
    return errors
