"""The step that makes a SAMPLES folder: raw items become what the model reads, and truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import ConfigError, SourceError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import Files, step
from pipeline.inputs.contract import ARRAYS, Input, Tensors, inputs
from pipeline.samples import folder
from pipeline.samples.contract import Item, Items, Needs, Reading, SamplesKind, samples_kinds
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import np
from pipeline.tensors.per_sample import PerSample, gather
from pipeline.tensors.shapes import shown
from pipeline.tensors.signature import TensorSpec


class ReadOptions(StrictOptions):
    """Which samples, and what is to become of them."""

    kind: str
    """Of samples."""
    options: dict[str, Any]
    """That kind's."""
    input: str = "tensors"
    """The kind of input."""
    input_options: dict[str, Any] = Field(default={})
    """That kind's."""
    task: Purpose = Field(default_factory=Purpose)
    """Which truth samples are to have."""

    @property
    def kind_options(self) -> StrictOptions:
        """Of the samples, as their kind has them."""
        return samples_kinds()[self.kind].options.model_validate(self.options)

    @property
    def own_input_options(self) -> StrictOptions:
        """Of the input, as its kind has them."""
        return inputs()[self.input].options.model_validate(self.input_options)

    def local_paths(self) -> dict[str, Path]:
        """The files of the samples, and those of the input."""
        input_files = self.own_input_options.local_paths()
        return self.kind_options.local_paths() | {
            f"{_OF_INPUT}{name}": path for name, path in input_files.items()
        }

    def list_needs(self, specs: Sequence[TensorSpec], files: Files | None = None) -> Needs:
        """What items are for, with the model's inputs.

        Args:
            files: the step's, in place of where the options say that files lie.
        """
        options = self.own_input_options
        places = dict(files or {})
        input_files = {name: places.get(f"{_OF_INPUT}{name}") for name in options.local_paths()}
        options = options.model_copy(
            update={name: file for name, file in input_files.items() if file}
        )
        return Needs(specs, inputs()[self.input].raw, options, self.task.task.reads)

    def key(self) -> dict[str, Any]:
        """Names of files, which stand in descriptions, but not where they lie."""
        options = self.kind_options
        names = {field: path.name for field, path in options.local_paths().items()}
        return self.model_dump(mode="json") | {
            "options": options.key() | names,
            "input_options": self.own_input_options.key(),
        }


#: Before the names of an input's files: a kind of samples may have one of the same name.
_OF_INPUT = "input_"


@step(version=4, lane="light", tools=("numpy", "pillow"))
def read(frozen: Frozen, files: Files, options: ReadOptions, work: Path) -> None:
    """FROZEN and the local files of the samples' options -> SAMPLES.

    Raises:
        ConfigError: the config's kind of input makes nothing of such items.
        SourceError: an item cannot be read, or is not what the model reads.
    """
    needs = options.list_needs(frozen.signature.inputs, files)
    items = read_items(files, options, needs)
    where = f"samples.{options.kind}"
    splits = {
        name: _Split(options, needs, where).read(readings)
        for name, readings in items.splits.items()
    }
    named = {"description": items.description, "license_name": items.license}
    folder.write(work, splits, **named, task=options.task)


def read_items(files: Files, options: ReadOptions, needs: Needs) -> Items:
    """The raw samples; refuses those that the config's kind of input makes nothing of."""
    kind = samples_kinds()[options.kind]
    if kind.raw not in (ARRAYS, needs.raw):
        raise _not_said(kind)
    return kind.items(files, options.kind_options, needs)


def _not_said(kind: SamplesKind) -> ConfigError:
    example = next(
        (input_kind.example for input_kind in inputs().values() if input_kind.raw == kind.raw), ""
    )
    return ConfigError(
        f"{kind.raw} samples need the config to say what they become",
        where=f"samples.{kind.name}",
        todo=f"add input, such as {example}",
    )


class _Split:
    """Reads one split."""

    def __init__(self, options: ReadOptions, needs: Needs, where: str) -> None:
        self._needs, self._where = needs, where
        self._input: Input = inputs()[options.input]
        self._task = options.task

    def read(self, readings: Sequence[Reading]) -> folder.Split:
        samples: list[Tensors] = []
        facts = []
        for reading in readings:
            item = reading()
            for tensors in self._tensors(item):
                samples.append(tensors)
                self._check_alike(samples, len(readings))
                facts.append(item.facts)
        arrays = {
            name: np.stack([sample.arrays[name] for sample in samples])
            for name in samples[0].arrays
        }
        origin = gather([sample.origin for sample in samples])
        truth = self._task.task.truth
        split = folder.Split(
            arrays,
            truth(facts, self._task.about()) if truth else None,
            PerSample(origin) if origin else None,
        )
        return folder.check(split, self._needs.inputs, self._where)

    def _tensors(self, item: Item) -> Sequence[Tensors]:
        if self._input.read is None or isinstance(item.raw, dict):
            return [Tensors(item.raw)]
        read = self._input.read(item.raw, self._needs.options, self._needs.inputs, item.where)
        return [read] if isinstance(read, Tensors) else read

    def _check_alike(self, samples: Sequence[Tensors], count: int) -> None:
        """Of the last of them: all have one shape, and there is memory for so many."""
        first, last = samples[0].arrays, samples[-1].arrays
        for name, values in last.items():
            if values.shape != first[name].shape:
                sizes = " and ".join(sorted(shown(each[name].shape) for each in (first, last)))
                raise SourceError(
                    f"samples for {name} differ in size: {sizes}",
                    where=self._where,
                    todo=f"set input.{self._input.name}.size, such as [224, 224]",
                )
        if len(samples) == 1 or len(samples) > count:
            count = max(count, len(samples))
            folder.check_bytes(sum(values.nbytes for values in first.values()) * count, self._where)
