"""The canary: a tiny golden that a client runs once, to see that a model works on its device.

Its input is a test sample made cheap to send: few distinct values, repeated over the input's
shape. The source's answer to it says how far a broken model would be off; what is compared on a
device is an artifact's own answer (``canary_tolerance.py``), so that what quantization cost does
not count.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.samples_folder import Golden
from pipeline.tensors.arrays import Array, Arrays, Float64s, np
from pipeline.tensors.varying import pad

if TYPE_CHECKING:
    from pipeline.backends.session import Session
    from pipeline.tensors.signature import Signature, TensorSpec

#: What a manifest says of it, and the same as [1, …] arrays by public input name.
RESULT, INPUTS = "canary.json", "canary.safetensors"

#: The first test samples, of which the most telling one is taken.
CANDIDATES = 16

#: The most values of an input that are sent: 24 x 24 pixels of three colours, at a byte each.
SENT_BYTES = 1728
#: And where a byte does not hold one.
SENT_NUMBERS = 512

#: The most values of an output that are compared: half the largest, half spread over all of it.
COMPARED = 32

#: A broken model's answer has to differ by this share of the answer's span, or nothing would tell.
TELLING = 0.05

#: What a client can make an array of, and a byte or a JSON number can hold.
DTYPES = ("float32", "float64", "bool", "uint8", "int8", "uint16", "int16", "int32", "int64")


class _NoCanaryError(Exception):
    """Nothing would tell; the message is the reason."""


def make(
    arrays: Arrays,
    expected: Arrays,
    signature: Signature,
    run: Callable[[Arrays], Arrays],
    work: Path,
) -> None:
    """Write ``canary.json`` and ``canary.safetensors``, or ``canary.json`` with a reason.

    Args:
        arrays: the test samples, [n, …] by public input name.
        expected: the source model's outputs on them.
        run: the source model.
    """
    from safetensors.numpy import save_file

    try:
        canary, inputs = _choose(arrays, expected, signature, run)
    except _NoCanaryError as reason:
        (work / RESULT).write_text(json.dumps({"reason": str(reason)}))
        return
    (work / RESULT).write_text(json.dumps(canary))
    save_file(dict(inputs), work / INPUTS)


def _choose(
    arrays: Arrays, expected: Arrays, signature: Signature, run: Callable[[Arrays], Arrays]
) -> tuple[dict[str, Any], Arrays]:
    first = {name: values[:CANDIDATES] for name, values in arrays.items()}
    count = len(next(iter(first.values())))
    specs = signature.inputs
    encoded = [{s.name: encode(first[s.name][i], s) for s in specs} for i in range(count)]
    fed = {
        spec.name: np.stack(
            [_sample(sample[spec.name], first[spec.name][0].shape) for sample in encoded]
        )
        for spec in specs
    }
    answers = run(fed)
    softmax = {spec.name: spec.softmax for spec in signature.outputs}
    mean = {name: pad(values).mean(axis=0) for name, values in expected.items()}
    scores = [_score(answers, i, mean, softmax) for i in range(count)]
    best = int(np.argmax(scores))
    if scores[best] < TELLING:
        raise _NoCanaryError(
            "a model that does not look at its input would answer much the same: within "
            f"{scores[best]:.2g} of the answer's span"
        )
    canary = {
        "inputs": encoded[best],
        "outputs": {name: compared_values(values[best]) for name, values in answers.items()},
        "telling": scores[best],
    }
    return canary, {name: np.ascontiguousarray(v[best : best + 1]) for name, v in fed.items()}


def encode(sample: Array, spec: TensorSpec) -> dict[str, Any]:
    """One input as a manifest has it, its shape that of what is fed.

    Args:
        sample: one row of the samples.

    Raises:
        _NoCanaryError: neither bytes nor JSON's numbers hold it.
    """
    if sample.dtype.name not in DTYPES or not sample.size:
        raise _NoCanaryError(f"input {spec.name} is {spec.dtype} of shape {sample.shape}")
    batch = len(spec.shape) > sample.ndim
    shape = [spec.shape[0] or 1] * batch + list(sample.shape)
    integers = sample.dtype.kind != "f"
    bytes_do = not integers or (sample.min() >= 0 and sample.max() <= 255)
    few = _coarse(sample, SENT_BYTES if bytes_do else SENT_NUMBERS)
    head = {"dtype": sample.dtype.name, "shape": shape, "grid": [1] * batch + list(few.shape)}
    if not bytes_do:
        return {**head, "values": few.ravel().tolist()}
    offset, scale = (0.0, 1.0) if integers else _byte_scale(few)
    data = np.round((few.astype(np.float64) - offset) / scale).astype(np.uint8)
    text = base64.b64encode(data.tobytes()).decode()
    return {**head, "data": text, "scale": scale, "offset": offset}


def _coarse(sample: Array, most: int) -> Array:
    """The sample on a grid of at most so many cells: means of floats, of integers the first."""
    side = max(sample.shape, default=1)
    while np.prod([min(size, side) for size in sample.shape]) > most:
        side -= 1
    for axis, size in enumerate(sample.shape):
        # The cells that ``decode`` makes: index i lies in i * cells // size.
        starts = -(-np.arange(min(size, side)) * size // min(size, side))
        if sample.dtype.kind == "f":
            lengths = np.diff([*starts, size]).reshape([-1] + [1] * (sample.ndim - axis - 1))
            sample = (np.add.reduceat(sample, starts, axis) / lengths).astype(sample.dtype)
        else:
            sample = sample.take(starts, axis)
    return sample


def _byte_scale(values: Array) -> tuple[float, float]:
    """Offset and scale with which 0 to 255 reach from the smallest value to the largest."""
    low, high = float(values.min()), float(values.max())
    return low, (high - low) / 255 or 1.0


def decode(encoded: Mapping[str, Any]) -> Array:
    """The array that a client feeds: ``shape``, each index read from its cell of ``grid``."""
    if "data" in encoded:
        raw = np.frombuffer(base64.b64decode(encoded["data"]), np.uint8)
        few = raw * float(encoded["scale"]) + float(encoded["offset"])
    else:
        few = np.array(encoded["values"])
    few = few.reshape(encoded["grid"])
    for axis, size in enumerate(encoded["shape"]):
        few = few.take(np.arange(size) * few.shape[axis] // size, axis)
    return few.astype(encoded["dtype"])


def _sample(encoded: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
    decoded = decode(encoded)
    return decoded if decoded.shape == shape else decoded[0]


def compared_values(answer: Array) -> list[int]:
    """Flat indices of one sample's output: all, or the largest values and some of all."""
    flat = answer.ravel()
    if flat.size <= COMPARED:
        return list(range(flat.size))
    largest = np.argsort(-np.abs(flat.astype(np.float64)), kind="stable")[: COMPARED // 2]
    spread = np.arange(COMPARED // 2) * flat.size // (COMPARED // 2)
    return sorted({*largest.tolist(), *spread.tolist()})


def span(values: Sequence[float]) -> float:
    """What a tolerance is a share of: the reach of the values, or the size of the only one."""
    return (max(values) - min(values)) or abs(values[0]) or 1.0


def distance(
    answered: Mapping[str, Sequence[float]], expected: Mapping[str, Sequence[float]]
) -> float:
    """The largest error of any value, as a share of its output's span."""
    errors = (
        max(abs(a - b) for a, b in zip(answered[name], values, strict=True)) / span(values)
        for name, values in expected.items()
        if len(values)
    )
    return max(errors, default=0.0)


def _score(answers: Arrays, index: int, mean: Arrays, softmax: Mapping[str, bool]) -> float:
    """How far the nearest of some broken models would be off.

    They answer with the mean of all samples, with another sample's answer, with the values one
    place further, and twice as sure of themselves: a saturated answer would hide much.
    """
    right = {name: values[index].astype(np.float64) for name, values in answers.items()}
    at = {name: compared_values(value) for name, value in right.items()}
    others: list[Arrays] = [
        mean,
        {name: values[index - 1] for name, values in answers.items()},
    ]
    if any(value.size > 1 for value in right.values()):
        others.append({name: np.roll(value.ravel(), 1) for name, value in right.items()})
    if any(softmax.values()):
        others.append({n: _surer(v) if softmax[n] else v for n, v in right.items()})

    def listed(values: Arrays) -> dict[str, list[float]]:
        return {n: _take(v, at[n], 0.0).tolist() for n, v in values.items()}

    wanted_values = listed(right)
    distances = [distance(listed(other), wanted_values) for other in others]
    return min(distances) if np.isfinite(distances).all() else 0.0


def _take(answer: Array, indices: Sequence[int], missing: float) -> Float64s:
    """Values at flat indices, some of which may be beyond the end of what varies in size."""
    flat, at = answer.ravel(), np.asarray(indices, np.intp)
    taken: Float64s = np.full(len(at), missing, np.float64)
    inside = at < flat.size
    taken[inside] = flat[at[inside]]
    return taken


def _surer(probabilities: Float64s) -> Float64s:
    """The softmax of logits twice as large."""
    squares = probabilities**2
    surer: Float64s = squares / squares.sum(axis=-1, keepdims=True)
    return surer


def answer(session: Session, golden: Golden) -> dict[str, list[float | None]] | None:
    """An artifact's outputs on the canary at the compared indices; ``None`` without a canary.

    NaN and infinity, which JSON does not hold, are ``None``.
    """
    from safetensors.numpy import load_file

    expected = read(golden)
    if "reason" in expected:
        return None
    outputs = session.infer(load_file(golden.folder / INPUTS))
    taken = {n: _take(outputs[n], at, np.nan) for n, at in expected["outputs"].items()}
    return {n: [float(v) if np.isfinite(v) else None for v in vs] for n, vs in taken.items()}


def read(golden: Golden) -> dict[str, Any]:
    """The golden's ``canary.json``."""
    content: dict[str, Any] = json.loads((golden.folder / RESULT).read_text())
    return content
