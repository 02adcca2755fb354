"""The SAMPLES folder that every kind of samples writes, and the checks before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.errors import ConfigError, SourceError
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.per_sample import TRUTH, PerSample

if TYPE_CHECKING:
    from pipeline.inputs.image.options import ImageOptions
    from pipeline.tensors.signature import TensorSpec

SPLITS = ("calibration", "test")

#: No split's samples may take more memory than this.
MAX_SPLIT_BYTES = 2 << 30


@dataclass(frozen=True)
class Split:
    """Samples of one split, as the model reads them."""

    inputs: Mapping[str, Array]
    """By public input name: [n, …]."""

    labels: Array | None = None
    """int64 [n]: the class of each sample, of which the task makes truth."""

    truth: PerSample | None = None
    """As the task has it, in place of labels."""

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
        task: what makes truth of their labels; without one they have none.
    """
    for name, split in splits.items():
        (work / name).mkdir()
        SamplesFolder(work).split(name).write_inputs(split.inputs)
        if truth := _truth(split, task):
            truth.write(work / name)
    described = {
        "description": description,
        "license": license_name,
        "splits": {name: len(split) for name, split in splits.items()},
        "labelled": all((work / name / TRUTH).exists() for name in splits),
        "task": task.model_dump(mode="json") if task else None,
    }
    SamplesFolder(work).describe(described)


def _truth(split: Split, task: Purpose | None) -> PerSample | None:
    if split.truth is not None or task is None or task.task.truth is None or split.labels is None:
        return split.truth
    return task.task.truth([{"label": label} for label in split.labels.tolist()], task.about())


def assign(count: int, test_share: float, seed: int) -> dict[str, Array]:
    """Deal samples to the splits by a seeded shuffle: sorted indices by split.

    Each split gets at least one; a single sample stands in both.
    """
    order = np.random.default_rng(seed).permutation(count)
    test = min(max(1, round(count * test_share)), max(1, count - 1))
    chosen = {"calibration": order[test:] if count > 1 else order, "test": order[:test]}
    return {name: np.sort(chosen[name]) for name in SPLITS}


def image_input(inputs: Sequence[TensorSpec], where: str) -> TensorSpec:
    """The one image input of a model: [batch, height, width, 1 or 3], or with channels second.

    Raises:
        SourceError: the model has another kind of input, or several.
    """
    shape = inputs[0].shape if len(inputs) == 1 else ()
    if len(shape) == 4 and (shape[3] in (1, 3, None) or shape[1] in (1, 3)):
        return inputs[0]
    shapes = ", ".join(f"{spec.name} {shown(spec.shape)}" for spec in inputs)
    raise SourceError(
        "image samples need a model with one input [batch, height, width, 1 or 3] or [batch, 1 or "
        "3, height, width]; "
        f"it has {shapes}",
        where=where,
        todo="give the samples as arrays (samples.npz) or let them be made (samples.random)",
    )


def needed(image: ImageOptions | None, where: str) -> ImageOptions:
    """The config's ``input.image``, without which images cannot become inputs."""
    if image is None:
        raise ConfigError(
            "image samples need the config to say what they become",
            where=where,
            todo="add input, such as {image: {size: [224, 224], color: rgb, scale: [-1, 1]}}",
        )
    return image


def pixels_to_input(
    images: Iterable[Array], count: int, options: ImageOptions, spec: TensorSpec, where: str
) -> Array:
    """Make one input array of decoded images.

    Args:
        images: uint8 [height, width] or [height, width, channels], of any sizes.
        count: how many there are.
        options: as in the config.
        spec: the input to fill; an integer dtype is rounded and clipped to.
        where: what an error names.

    Returns:
        [n, height, width, channels], or with channels second, in the input's dtype.

    Raises:
        SourceError: the result does not fit the input, or images differ in size.
    """
    from pipeline.inputs.image.preprocess import apply, cast, laid_out

    shapes: set[tuple[int, ...]] = set()
    made = []
    for image in images:
        values = laid_out(apply(image, options), options, spec.shape)
        shapes.add(values.shape)
        _fits(spec, (1, *values.shape), where, _HOW_TO_FIT)
        if len(shapes) > 1:
            raise SourceError(
                f"images differ in size: {' and '.join(sorted(map(shown, shapes)))}",
                where=where,
                todo="set input.image.size, such as [224, 224]",
            )
        bounded(values.nbytes * count, where)
        made.append(cast(values, spec.dtype))
    return np.stack(made)


_HOW_TO_FIT = "set size and color of input.image to what the model reads"


def check(split: Split, inputs: Sequence[TensorSpec], where: str) -> Split:
    """Give a split back once every array of it fits the model's inputs.

    Raises:
        SourceError: an input is missing or unknown, has another shape or dtype, holds a NaN or
            infinity, has another number of rows than the rest, or there are no samples.
    """
    wanted, given = {spec.name for spec in inputs}, set(split.inputs)
    if wanted != given:
        raise SourceError(
            f"samples are named {_names(given)}, the model's inputs {_names(wanted)}",
            where=where,
            todo="name each array like the input that it is for",
        )
    for spec in inputs:
        batched(spec, where)
        _check_array(split.inputs[spec.name], spec, where)
    rows = {name: len(values) for name, values in split.inputs.items()}
    if split.labels is not None:
        rows["labels"] = len(split.labels)
    if len(set(rows.values())) > 1 or 0 in rows.values():
        raise SourceError(
            f"every array needs the same number of samples, at least one; they have {rows}",
            where=where,
        )
    return split


def batched(spec: TensorSpec, where: str) -> None:
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
    _fits(spec, values.shape, where, "give the array as [samples, …] in the model's shape")
    if values.dtype != np.dtype(spec.dtype):
        raise SourceError(
            f"{spec.name} is {values.dtype}, the model reads {spec.dtype}",
            where=where,
            todo=f'convert it with array.astype("{spec.dtype}")',
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise SourceError(f"{spec.name} holds NaN or infinity", where=where)


def _fits(spec: TensorSpec, shape: tuple[int, ...], where: str, todo: str) -> None:
    """Compare all axes but the first, which counts samples."""
    same = len(shape) == len(spec.shape) and all(
        want in (None, have) for want, have in zip(spec.shape[1:], shape[1:], strict=True)
    )
    if not same:
        raise SourceError(
            f"samples for {spec.name} are {shown(shape[1:])}, the model reads "
            f"{shown(spec.shape[1:])} per sample",
            where=where,
            todo=todo,
        )


def bounded(size: int, where: str) -> None:
    if size > MAX_SPLIT_BYTES:
        raise SourceError(
            f"samples would take {size / 2**30:.1f} GiB, more than {MAX_SPLIT_BYTES >> 30} GiB",
            where=where,
            todo="give fewer of them",
        )


def shown(shape: Sequence[int | None]) -> str:
    """A shape for people: ``[?, 64, 64, 3]``."""
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
