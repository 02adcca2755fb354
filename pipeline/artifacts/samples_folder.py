"""A SAMPLES folder, and GOLDEN: samples as the model reads them, and what the source answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.tensors.arrays import Array, Arrays, np
from pipeline.tensors.varying import pack, unpack


@dataclass(frozen=True)
class SampleTensors:
    """A folder with samples: a split, or the golden."""

    folder: Path

    INPUTS: ClassVar = "inputs.safetensors"

    @property
    def inputs_file(self) -> Path:
        return self.folder / self.INPUTS

    def inputs(self, most: int | None = None) -> dict[str, Array]:
        """[n, …] by public input name: all samples, or the first ones."""
        from safetensors.numpy import load_file

        return {name: values[:most] for name, values in load_file(self.inputs_file).items()}

    def write_inputs(self, inputs: Arrays) -> None:
        from safetensors.numpy import save_file

        contiguous = {name: np.ascontiguousarray(values) for name, values in inputs.items()}
        save_file(contiguous, self.inputs_file)


@dataclass(frozen=True)
class SamplesFolder:
    """A folder for each split, and what the samples are."""

    folder: Path

    DESCRIPTION: ClassVar = "samples.json"

    @property
    def calibration(self) -> SampleTensors:
        return self.split("calibration")

    @property
    def test(self) -> SampleTensors:
        return self.split("test")

    def split(self, name: str) -> SampleTensors:
        return SampleTensors(self.folder / name)

    @property
    def description(self) -> dict[str, Any]:
        """``{"description", "license", "splits", "labelled", "task"}``."""
        described: dict[str, Any] = json.loads((self.folder / self.DESCRIPTION).read_text())
        return described

    def describe(self, description: dict[str, Any]) -> None:
        text = json.dumps(description, indent=1, sort_keys=True)
        (self.folder / self.DESCRIPTION).write_text(text)


@dataclass(frozen=True)
class Golden(SampleTensors):
    """The test split with the source model's outputs on it."""

    OUTPUTS: ClassVar = "outputs.safetensors"
    FACTS: ClassVar = "golden.json"

    @property
    def outputs_file(self) -> Path:
        return self.folder / self.OUTPUTS

    def outputs(self) -> dict[str, Array]:
        """[n, …] by public output name; see ``pipeline.tensors.varying`` for free shapes."""
        from safetensors.numpy import load_file

        return unpack(load_file(self.outputs_file))

    @property
    def facts(self) -> dict[str, Any]:
        """``{"count", "outputs": {name: {"spread", "softmax"}}, "accuracy", "reference"}``.

        The last one is there where another runtime than TensorFlow made the outputs.
        """
        facts: dict[str, Any] = json.loads((self.folder / self.FACTS).read_text())
        return facts

    def write(self, outputs: Arrays, facts: dict[str, Any]) -> None:
        from safetensors.numpy import save_file

        save_file(pack(outputs), self.outputs_file)
        (self.folder / self.FACTS).write_text(json.dumps(facts, indent=1))
