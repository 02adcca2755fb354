"""Named arrays that say something of each sample, of some of which a sample has many or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.tensors.arrays import Array, Arrays, Int64s, np

#: What is right for each sample, in the form of the task, beside ``inputs.safetensors``.
TRUTH = "truth.safetensors"

#: How each sample lay in what it was made from, where its kind of input keeps that.
ORIGINS = "origins.safetensors"

#: Behind the name of an array with any number of rows a sample: where each sample's begin.
OFFSETS = ".offsets"


@dataclass(frozen=True)
class PerSample:
    """What is known of n samples.

    An array is [n, …]; or it holds the rows of all samples one after another, and
    ``<name>.offsets``, int64 [n + 1], says where each sample's begin and the last one's end.

    Raises:
        ValueError: arrays are of no samples, or of another number than others.
    """

    arrays: Arrays

    def __post_init__(self) -> None:
        counts = {name: self._count(name) for name in self.names}
        if len(set(counts.values())) != 1 or 0 in counts.values():
            raise ValueError(f"every array needs the same samples, at least one: {counts}")

    @property
    def names(self) -> list[str]:
        """The arrays' names, without those of offsets."""
        return [name for name in self.arrays if not name.endswith(OFFSETS)]

    def __len__(self) -> int:
        return self._count(self.names[0])

    def _count(self, name: str) -> int:
        offsets = self.arrays.get(name + OFFSETS)
        if offsets is None:
            return len(self.arrays[name])
        inside = offsets[:1].tolist() == [0] and offsets[-1:].tolist() == [len(self.arrays[name])]
        if not inside or (np.diff(offsets) < 0).any():
            raise ValueError(f"{name}{OFFSETS} does not divide the rows of {name}")
        return len(offsets) - 1

    def rows(self, indices: Int64s) -> PerSample:
        """The samples of these indices, in this order; one may be there several times."""
        arrays: dict[str, Array] = {}
        for name in self.names:
            values, offsets = self.arrays[name], self.arrays.get(name + OFFSETS)
            if offsets is None:
                arrays[name] = values[indices]
                continue
            lengths = np.diff(offsets)[indices]
            arrays[name + OFFSETS] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
            starts = np.repeat(offsets[:-1][indices] - arrays[name + OFFSETS][:-1], lengths)
            arrays[name] = values[starts + np.arange(len(starts))]
        return PerSample(arrays)

    def sample(self, index: int) -> dict[str, Array]:
        """One sample's: a row of each array, or its rows, [k, …], where their number varies."""
        return {name: self.of(name, index) for name in self.names}

    def of(self, name: str, index: int) -> Array:
        """One sample's part of one array."""
        values, offsets = self.arrays[name], self.arrays.get(name + OFFSETS)
        if offsets is None:
            row: Array = values[index]
            return row
        return values[int(offsets[index]) : int(offsets[index + 1])]

    def write(self, folder: Path, file: str = TRUTH) -> None:
        from safetensors.numpy import save_file

        save_file({k: np.ascontiguousarray(v) for k, v in self.arrays.items()}, folder / file)

    @classmethod
    def read(cls, folder: Path, file: str = TRUTH) -> PerSample | None:
        """What ``write`` wrote; ``None`` where there is none."""
        from safetensors.numpy import load_file

        return cls(load_file(folder / file)) if (folder / file).exists() else None


def gather(samples: Sequence[Arrays]) -> dict[str, Array]:
    """What is said of each sample under the same names: one array of each name, [n, …] where all
    have one shape, else with its offsets, as ``PerSample`` has it."""
    arrays: dict[str, Array] = {}
    for name in samples[0]:
        values = [sample[name] for sample in samples]
        is_alike = len({value.shape for value in values}) == 1
        arrays |= {name: np.stack(values)} if is_alike else ragged({name: values})
    return arrays


def ragged(parts: Mapping[str, Sequence[Array]]) -> dict[str, Array]:
    """Arrays of any number of rows a sample, [k, …], and their offsets; n at least 1."""
    arrays: dict[str, Array] = {}
    for name, values in parts.items():
        arrays[name] = np.concatenate(values)
        lengths = [len(value) for value in values]
        arrays[name + OFFSETS] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return arrays
