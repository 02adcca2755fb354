"""The truth in a SAMPLES folder, and the task that it is the truth of."""

from __future__ import annotations

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample


def read_truth(samples: SamplesFolder, split: str) -> tuple[Purpose, PerSample] | None:
    """Of one split; ``None`` where it has none."""
    purpose, truth = purpose_of(samples), PerSample.read(samples.split(split).folder)
    return (purpose, truth) if purpose and truth else None


def purpose_of(samples: SamplesFolder) -> Purpose | None:
    """The task that samples were read for; ``None`` where that is not known."""
    task = samples.description.get("task")
    return Purpose.model_validate(task) if task else None
