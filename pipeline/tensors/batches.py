"""Splits samples into the batches that a model takes, and joins what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.base.errors import PipelineError, RunError
from pipeline.tensors.arrays import Array, Arrays, np
from pipeline.tensors.signature import TensorSpec
from pipeline.tensors.varying import join

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
    of one dimension less than the array) makes the samples go one by one, and so do outputs
    whose rows do not follow a batch's: each sample's is then its own (``varying.py``).

    Raises:
        PipelineError: inputs are missing or differ in number.
        RunError: an output's rows do not follow the samples of a batch that the model fixes.
    """
    count = _count(inputs, [spec.name for spec in input_specs])
    if any(len(spec.shape) == inputs[spec.name].ndim - 1 for spec in input_specs):
        parts = [run(sample) for sample in _samples(inputs, input_specs)]
        # Beside a scalar, an input with batches is a batch of one, and so is what comes of it.
        batched = any(len(spec.shape) == inputs[spec.name].ndim for spec in input_specs)
        joined = _singles if batched else join
        return {name: joined([part[name] for part in parts]) for name in parts[0]}
    size = batch_size(inputs, input_specs, most)
    pairs = [(run(batch), used) for batch, used in _batches(inputs, count, size)]
    if size == 1:
        return {name: _singles([part[name] for part, _ in pairs]) for name in pairs[0][0]}
    wrong = _unlike(pairs, size)
    if wrong is None:
        names = pairs[0][0]
        return {name: np.concatenate([part[name][:n] for part, n in pairs]) for name in names}
    if batch_size(inputs, input_specs, 1) > 1:
        raise RunError(wrong, todo="give the model a batch of 1, so that samples go one by one")
    return infer_in_batches(run, inputs, input_specs, 1)


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


def _unlike(pairs: Sequence[tuple[Arrays, int]], size: int) -> str | None:
    """Why batches' outputs cannot be joined row by row; ``None`` where they can."""
    for name in pairs[0][0]:
        shapes = {part[name].shape for part, _ in pairs}
        odd = next((shape for shape in shapes if shape[:1] != (size,)), None)
        if odd is not None:
            return f'output "{name}" has shape {odd} for a batch of {size}'
        if len(shapes) > 1:
            return f'output "{name}" has other shapes for other samples: {sorted(shapes)}'
    return None


def _singles(outputs: Sequence[Array]) -> Array:
    """Of batches of one sample; what never has one row has no batch dimension."""
    if all(output.shape[:1] == (1,) for output in outputs):
        outputs = [output[0, ...] for output in outputs]
    return join(outputs)
