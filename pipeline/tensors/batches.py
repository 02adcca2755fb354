"""Splits samples into the batches that a model takes, and joins what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import PipelineError, RunError
from pipeline.tensors.arrays import Array, Arrays, np
from pipeline.tensors.signature import TensorSpec

if TYPE_CHECKING:
    Run = Callable[[dict[str, Array]], Arrays]

#: Where a model takes any batch: enough to keep a backend busy, little enough for a tab.
FREE_BATCH = 64
BATCH_BYTES = 8 * 2**20


def infer_in_batches(
    run: Run, inputs: Arrays, input_specs: Sequence[TensorSpec], most: int = FREE_BATCH
) -> dict[str, Array]:
    """Run [n, …] samples through a model that takes one batch at a time.

    The last batch is filled up with its last sample: a fixed batch needs it, and GPU
    backends compile once for every shape. An input without a batch dimension (a spec
    of one dimension less than the array) makes the samples go one by one.

    Raises:
        PipelineError: inputs are missing or differ in number.
        RunError: an output's rows do not follow the samples.
    """
    count = _count(inputs, [spec.name for spec in input_specs])
    if any(len(spec.shape) == inputs[spec.name].ndim - 1 for spec in input_specs):
        return _join([run(sample) for sample in _samples(inputs, input_specs)], stack=True)
    size = batch_size(inputs, input_specs, most)
    parts = [_trim(run(batch), size, used) for batch, used in _batches(inputs, count, size)]
    return _join(parts, stack=False)


def infer_singly_at_worst(
    run: Run,
    inputs: Arrays,
    input_specs: Sequence[TensorSpec],
    most: int = FREE_BATCH,
    reopen: Callable[[], None] = lambda: None,
) -> tuple[dict[str, Array], str | None]:
    """The same; where a batch fails, one sample at a time, as pages run them.

    What only a batch is too much for is no failure of the model.

    Args:
        reopen: called before the second way.

    Returns:
        The outputs, and why no batch ran; ``None`` where the batches did.

    Raises:
        RunError: single samples fail too, or the model's own batch does.
    """
    try:
        return infer_in_batches(run, inputs, input_specs, most), None
    except RunError as error:
        if batch_size(inputs, input_specs, most) == batch_size(inputs, input_specs, 1):
            raise
        reopen()
        return infer_in_batches(run, inputs, input_specs, 1), error.what


def batch_size(inputs: Arrays, input_specs: Sequence[TensorSpec], most: int = FREE_BATCH) -> int:
    """The model's own batch where it is fixed, else what is bounded in number and bytes."""
    fixed = [spec.shape[0] for spec in input_specs if spec.shape and spec.shape[0]]
    if fixed:
        return int(fixed[0])
    count = int(next(iter(inputs.values())).shape[0])
    sample_bytes = sum(int(array.nbytes) for array in inputs.values()) // count or 1
    return max(1, min(most, count, BATCH_BYTES // sample_bytes))


def _count(inputs: Arrays, names: list[str]) -> int:
    if set(inputs) != set(names):
        raise PipelineError(f"the inputs are {sorted(inputs)}, the artifact takes {sorted(names)}")
    counts = {array.shape[0] if array.ndim else 0 for array in inputs.values()}
    if len(counts) != 1 or counts == {0}:
        sizes = {name: inputs[name].shape for name in names}
        raise PipelineError(f"inputs need the same number of samples, at least one, not {sizes}")
    return int(counts.pop())


def _samples(inputs: Arrays, input_specs: Sequence[TensorSpec]) -> Iterator[dict[str, Array]]:
    ranks = {spec.name: len(spec.shape) for spec in input_specs}
    for i in range(next(iter(inputs.values())).shape[0]):
        yield {
            # With the dots a scalar stays an array.
            name: array[i, ...] if ranks[name] == array.ndim - 1 else array[i : i + 1]
            for name, array in inputs.items()
        }


def _batches(inputs: Arrays, count: int, size: int) -> Iterator[tuple[dict[str, Array], int]]:
    for start in range(0, count, size):
        rows = np.arange(start, start + size).clip(max=count - 1)
        batch = {name: array[rows] for name, array in inputs.items()}
        yield batch, min(size, count - start)


def _trim(outputs: Arrays, size: int, used: int) -> dict[str, Array]:
    trimmed = {}
    for name, array in outputs.items():
        rows = array if array.ndim and array.shape[0] == size else array[None]
        if rows.shape[0] != size:
            raise RunError(
                f'output "{name}" has shape {array.shape} for a batch of {size}',
                todo="give the model a fixed batch of 1, so that samples go one by one",
            )
        trimmed[name] = rows[:used]
    return trimmed


def _join(parts: Sequence[Arrays], *, stack: bool) -> dict[str, Array]:
    join: Any = np.stack if stack else np.concatenate
    shapes = {name: {part[name].shape[0 if stack else 1 :] for part in parts} for name in parts[0]}
    for name, seen in shapes.items():
        if len(seen) > 1:
            raise RunError(
                f'output "{name}" has other shapes for other samples: {seen}',
                todo="give the model outputs of one shape, or leave this one out of its signature",
            )
    return {name: join([part[name] for part in parts]) for name in parts[0]}
