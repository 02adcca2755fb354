"""How the answers of two models are compared by the task that samples were read for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.measures.metrics import metric_of
from pipeline.tasks.find import Purpose, need
from pipeline.tasks.truth import purpose_of
from pipeline.tensors.arrays import np
from pipeline.tensors.per_sample import ORIGINS, PerSample

if TYPE_CHECKING:
    from pipeline.measures.keeping import Agree, Outputs
    from pipeline.measures.metric import Metric
    from pipeline.tasks.contract import Task


def agreement(samples: SamplesFolder, metrics: Iterable[str], where: str) -> Agree | None:
    """Outputs of a model and of another -> how far their answers agree, by metric.

    Args:
        samples: outputs are of the first ones of the calibration split.
        metrics: what bounds are on; some are of outputs, of which a task says nothing.
        where: they stand, for an error.

    Raises:
        ConfigError: a bound is on what the samples' task does not measure.
    """
    purpose = purpose_of(samples) or Purpose()
    for name in metrics:
        if metric_of(name).of == "answers":
            need(partial(_measured, name), purpose.name, name, where)
    agree, origins = purpose.task.agree, PerSample.read(samples.calibration.folder, ORIGINS)
    if agree is None:
        return None

    def agree_of_first(outputs: Outputs, expected: Outputs) -> Mapping[str, float | None]:
        rows = np.arange(len(next(iter(outputs.values()))))
        about = purpose.about(origins=origins.rows(rows) if origins else None)
        return agree(outputs, expected, about)

    return agree_of_first


def _measured(name: str, task: Task[Any]) -> Metric | None:
    return next((metric for metric in task.metrics if metric.name == name), None)
