"""Samples from a NumPy archive: arrays as the model reads them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath
from pipeline.base.options import Options as Strict
from pipeline.engine.step import Inputs, step
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.contract import SamplesKind
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.samples.folder import Split

#: Unpacked. An archive may claim to be small and unpack to any size.
MAX_BYTES = 4 << 30

RESERVED = {"labels", "split"}


class Options(Strict):
    """A ``.npz`` file with one array per input of the model, named like it, [samples, …]."""

    shorthand: ClassVar[str | None] = "file"

    file: InputPath
    """The file. Beside the inputs it may hold ``labels`` (integers, [samples]) and ``split``
    (text, [samples]: ``calibration`` or ``test``)."""

    description: str = ""
    """What the samples are, for people."""

    license: str = ""
    """Their licence."""

    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the samples for the test split, where the file has no ``split``."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Decides which samples, where the file has no ``split``."""


class ReadOptions(Strict):
    """What the step needs."""

    options: Options
    """Which file."""

    image: ImageOptions | None = None
    """Not applied: the arrays are taken as they are."""

    task: Purpose = Field(default_factory=Purpose)
    """Which truth samples are to have."""

    def key(self) -> dict[str, Any]:
        """The file's name, which stands in the description, but not where it lies."""
        chosen = self.options.key() | {"file": self.options.file.name}
        return super().key() | {"options": chosen}


@step(version=2, lane="light", tools=("numpy",))
def read(inputs: Inputs, options: ReadOptions, work: Path) -> None:
    """Check the arrays against the model's signature and write them by split."""
    from pipeline.samples import folder

    file, chosen = inputs["file"], options.options
    where = f"samples.npz: {chosen.file.name}"
    arrays = _arrays(file, where)
    wanted = Frozen(inputs["frozen"]).signature.inputs
    names = {spec.name for spec in wanted}
    labels = arrays.pop("labels", None) if "labels" not in names else None
    split = arrays.pop("split", None) if "split" not in names else None
    whole = folder.check(folder.Split(arrays, _labels(labels, where)), wanted, where)
    rows = (
        folder.assign(len(whole), chosen.test_share, chosen.seed)
        if split is None
        else _told(split, len(whole), where)
    )
    splits = {name: _rows(whole, index) for name, index in rows.items()}
    described = chosen.description or chosen.file.name
    folder.write(
        work, splits, description=described, license_name=chosen.license, task=options.task
    )


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


def _labels(labels: Array | None, where: str) -> Array | None:
    if labels is None:
        return None
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise SourceError(
            f"labels are {labels.dtype} {list(labels.shape)}, not one integer per sample",
            where=where,
        )
    return labels.astype(np.int64)


def _told(split: Array, count: int, where: str) -> dict[str, Array]:
    """Row indices by split, as the file's own ``split`` array says."""
    from pipeline.samples.folder import SPLITS

    named = split.astype(np.str_) if split.dtype.kind in "US" else split
    if named.shape != (count,) or set(named.tolist()) != set(SPLITS):
        raise SourceError(
            "split does not say calibration or test for every sample, with both in use",
            where=where,
        )
    return {name: np.flatnonzero(named == name) for name in SPLITS}


def _rows(split: Split, index: Array) -> Split:
    from pipeline.samples.folder import Split

    labels = None if split.labels is None else split.labels[index]
    return Split({name: values[index] for name, values in split.inputs.items()}, labels)


SAMPLES = SamplesKind(
    name="npz",
    options=Options,
    read=read,
)
