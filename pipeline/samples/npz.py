"""Samples from a NumPy archive: arrays as the model reads them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.engine.step import Files
from pipeline.samples.contract import Item, Items, Needs, SamplesKind
from pipeline.samples.folder import SPLITS, Split, assign, check
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.per_sample import OFFSETS, PerSample

#: Unpacked. An archive may claim to be small and unpack to any size.
MAX_BYTES = 4 << 30

#: Fact of a sample -> the array's name, where that is another one.
LABELS = {"label": "labels"}


class Options(StrictOptions):
    """A ``.npz`` file with one array per input of the model, named like it, [samples, …]."""

    shorthand: ClassVar[str | None] = "file"

    file: InputPath
    """The file. Beside the inputs it may hold ``split`` (text, [samples]: ``calibration`` or
    ``test``) and what the task makes truth of, such as ``labels`` (integers, [samples]); of what a
    sample has many or none of, all rows, and ``NAME.offsets`` (int64, [samples + 1]): where each
    sample's begin, and the last one's end."""

    description: str = ""
    """What the samples are, for people."""

    license: str = ""
    """Their licence."""

    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the samples for the test split, where the file has no ``split``."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Decides which samples, where the file has no ``split``."""


def items(files: Files, options: Options, needs: Needs) -> Items:
    """Rows of the arrays by split, checked against the model's inputs."""
    where = f"samples.npz: {options.file.name}"
    arrays = _arrays(files["file"], where)
    names = {spec.name for spec in needs.inputs}
    split = arrays.pop("split", None) if "split" not in names else None
    facts = _facts(arrays, names, needs.facts, where)
    whole = check(Split(arrays, facts), needs.inputs, where)
    rows = (
        assign(len(whole), options.test_share, options.seed)
        if split is None
        else _rows_by_split(split, len(whole), where)
    )
    splits = {
        name: [partial(_item, whole, row, where) for row in index.tolist()]
        for name, index in rows.items()
    }
    return Items(splits, options.description or options.file.name, options.license)


def _item(whole: Split, row: int, where: str) -> Item:
    arrays = {name: values[row] for name, values in whole.inputs.items()}
    return Item(arrays, where, whole.truth.sample(row) if whole.truth else {})


def _facts(
    arrays: dict[str, Array], inputs: Collection[str], facts: Sequence[str], where: str
) -> PerSample | None:
    """Taken out of the arrays: what is known of each sample, rather than an input."""
    columns = {}
    for fact in facts:
        for end in ("", OFFSETS):
            name = LABELS.get(fact, fact) + end
            if name in arrays and name not in inputs:
                columns[fact + end] = arrays.pop(name)
    try:
        return PerSample(columns) if columns else None
    except ValueError as error:
        raise SourceError(f"does not say the same of each sample: {error}", where=where) from error


def _arrays(file: Path, where: str) -> dict[str, Array]:
    """Every array of the file, without ever unpickling."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_BYTES:
            raise SourceError(
                f"unpacks to {size / 2**30:.1f} GiB, more than {MAX_BYTES >> 30} GiB",
                where=where,
                todo="give fewer samples",
            )
        with np.load(file, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"is not a .npz file of plain arrays ({error})",
            where=where,
            todo="write it with numpy.savez_compressed(file, name=array, …)",
        ) from error


def _rows_by_split(split: Array, count: int, where: str) -> dict[str, Array]:
    """Row indices by split, as the file's own ``split`` array says."""
    named = split.astype(np.str_) if split.dtype.kind in "US" else split
    if named.shape != (count,) or set(named.tolist()) != set(SPLITS):
        raise SourceError(
            "split does not say calibration or test for every sample, with both in use",
            where=where,
        )
    return {name: np.flatnonzero(named == name) for name in SPLITS}


SAMPLES = SamplesKind(name="npz", options=Options, items=items)
