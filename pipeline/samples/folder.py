"""The SAMPLES folder that every kind of samples writes, and the checks before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.errors import SourceError
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.per_sample import ORIGINS, TRUTH, PerSample
from pipeline.tensors.shapes import check_shape

if TYPE_CHECKING:
    from pipeline.tensors.signature import TensorSpec

SPLITS = ("calibration", "test")

#: No split's samples may take more memory than this.
MAX_SPLIT_BYTES = 2 << 30


@dataclass(frozen=True)
class Split:
    """Samples of one split, as the model reads them."""

    inputs: Mapping[str, Array]
    """By public input name: [n, …]."""

    truth: PerSample | None = None
    """What is right for each, as the task has it."""

    origins: PerSample | None = None
    """How each lies in what it was made of, as its kind of input has it."""

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def write(
    work: Path,
    splits: Mapping[str, Split],
    *,
    description: str,
    license_name: str = "",
    task: Purpose | None = None,
) -> None:
    """Write a SAMPLES folder.

    Args:
        work: the folder.
        splits: one per name in ``SPLITS``, checked before; none may be empty.
        description: what the samples are, for people.
        license_name: their licence, as an SPDX identifier where there is one.
        task: what their truth is the truth of.
    """
    for name, split in splits.items():
        (work / name).mkdir()
        SamplesFolder(work).split(name).write_inputs(split.inputs)
        for per_sample, file in ((split.truth, TRUTH), (split.origins, ORIGINS)):
            if per_sample:
                per_sample.write(work / name, file)
    described = {
        "description": description,
        "license": license_name,
        "splits": {name: len(split) for name, split in splits.items()},
        "labelled": all(split.truth is not None for split in splits.values()),
        "task": task.model_dump(mode="json") if task else None,
    }
    SamplesFolder(work).describe(described)


def assign(count: int, test_share: float, seed: int) -> dict[str, Array]:
    """Deal samples to the splits by a seeded shuffle: sorted indices by split.

    Each split gets at least one; a single sample stands in both.
    """
    order = np.random.default_rng(seed).permutation(count)
    test = min(max(1, round(count * test_share)), max(1, count - 1))
    rows = {"calibration": order[test:] if count > 1 else order, "test": order[:test]}
    return {name: np.sort(rows[name]) for name in SPLITS}


def check(split: Split, inputs: Sequence[TensorSpec], where: str) -> Split:
    """Give a split back once every array of it fits the model's inputs.

    Raises:
        SourceError: an input is missing or unknown, has another shape or dtype, holds a NaN or
            infinity, has another number of rows than the rest, or there are no samples.
    """
    expected, named = {spec.name for spec in inputs}, set(split.inputs)
    if expected != named:
        raise SourceError(
            f"samples are named {_names(named)}, the model's inputs {_names(expected)}",
            where=where,
            todo="name each array like the input that it is for",
        )
    for spec in inputs:
        check_batched(spec, where)
        _check_array(split.inputs[spec.name], spec, where)
    rows = {name: len(values) for name, values in split.inputs.items()}
    rows |= {"truth": len(split.truth)} if split.truth else {}
    if len(set(rows.values())) > 1 or 0 in rows.values():
        raise SourceError(
            f"every array needs the same number of samples, at least one; they have {rows}",
            where=where,
        )
    return split


def check_batched(spec: TensorSpec, where: str) -> None:
    """Refuse an input without a first axis to count samples along."""
    if not spec.shape:
        raise SourceError(
            f"input {spec.name} is a single number, so samples of it cannot be told apart",
            where=where,
            todo="export the model with a batch axis on every input",
        )


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "(none)"


def _check_array(values: Array, spec: TensorSpec, where: str) -> None:
    todo = "give the array as [samples, …] in the model's shape"
    check_shape(spec, values.shape[1:], where, todo)
    if values.dtype != np.dtype(spec.dtype):
        raise SourceError(
            f"{spec.name} is {values.dtype}, the model reads {spec.dtype}",
            where=where,
            todo=f'convert it with array.astype("{spec.dtype}")',
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise SourceError(f"{spec.name} holds NaN or infinity", where=where)


def check_bytes(size: int, where: str) -> None:
    if size > MAX_SPLIT_BYTES:
        raise SourceError(
            f"samples would take {size / 2**30:.1f} GiB, more than {MAX_SPLIT_BYTES >> 30} GiB",
            where=where,
            todo="give fewer of them",
        )
