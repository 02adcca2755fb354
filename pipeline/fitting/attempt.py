"""Runs the source model on its samples, given in every usual way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import ConfigError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import Files, progress, step
from pipeline.fitting import orders, ways
from pipeline.fitting.ways import Way
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.read import image_input
from pipeline.measures.proportion import paired_difference, share
from pipeline.samples.read import ReadOptions, read_items
from pipeline.tasks.find import need
from pipeline.tensors.arrays import Int64s, NDArray, np

if TYPE_CHECKING:
    from pipeline.sources.contract import LoadedModel
    from pipeline.tensors.signature import TensorSpec

RESULT = "fitting.json"

TODO = "give images in one folder per class (samples.images)"

#: So many samples tell a way that is wrong from one that is right, and take a large model a minute.
MOST_SAMPLES = 200


class AttemptOptions(StrictOptions):
    """What the config says."""

    reading: ReadOptions
    """Of the samples."""
    image: ImageOptions
    labels: list[str] = Field(default=[])


@step(version=3, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras", "numpy", "pillow"))
def attempt(
    source: SourceFolder, frozen: Frozen, files: Files, options: AttemptOptions, work: Path
) -> None:
    """SOURCE, FROZEN and the samples' own files -> ``fitting.json``: each way, the best first."""
    from pipeline.sources.load import load

    where, reading = f"samples.{options.reading.kind}", options.reading
    spec = image_input(frozen.signature.inputs, where)
    samples = read_items(files, reading, reading.list_needs([spec]))
    test = samples.splits["test"]
    items = [test[row]() for row in spread_evenly(len(test), MOST_SAMPLES)]
    if any("label" not in item.facts for item in items):
        raise ConfigError(
            "the samples have no labels to tell right from wrong by", where=where, todo=TODO
        )
    labels = np.array([item.facts["label"] for item in items], np.int64)
    pictures = Pictures([item.raw for item in items], labels, samples.classes)
    trial = _Trial(load(source.folder), spec, pictures, options)
    (work / RESULT).write_text(json.dumps(trial.table(), indent=1))


def spread_evenly(count: int, most: int) -> list[int]:
    """At most so many of the first ``count`` numbers, evenly, so that every class is among them."""
    return [index * count // min(count, most) for index in range(min(count, most))]


@dataclass(frozen=True)
class Pictures:
    """Labelled images of the test split, as they are."""

    images: Sequence[NDArray[np.uint8]]
    """[height, width] or [height, width, channels], of any sizes."""
    labels: Int64s
    """[n]."""
    names: Sequence[str] = ()
    """Of the labels, where the samples name them."""


@dataclass(frozen=True)
class _Trial:
    loaded: LoadedModel
    spec: TensorSpec
    pictures: Pictures
    options: AttemptOptions

    def table(self) -> dict[str, Any]:
        """Scales and channels first, then ways to resize with the best of those."""
        configured = ways.of_config(self.options.image)
        baseline = self._answers(configured)[0] == self.pictures.labels
        rows = [_row(configured, orders.GIVEN, baseline, baseline)]
        rows += self._tried(list(ways.list_scales(configured)), baseline, 0.0, 0.6)
        if self._is_resized():
            best = Way(**min(rows, key=_rank)["way"])
            rows += self._tried(list(ways.list_resizes(best)), baseline, 0.6, 1.0)
        # Only once, and first of equals: as the config has it.
        mine, *others = rows
        rows = [mine, *(row for row in others if row != mine)]
        return {"samples": len(baseline), "config": mine, "tried": sorted(rows, key=_rank)}

    def _is_resized(self) -> bool:
        size = self.options.image.size
        return size is not None and any(image.shape[:2] != size for image in self.pictures.images)

    def _tried(
        self, some: list[Way], baseline: NDArray[np.bool_], begin: float, end: float
    ) -> list[dict[str, Any]]:
        rows = []
        for index, way in enumerate(some):
            progress(begin + (end - begin) * index / len(some), f"{way.scale} {way.channels}")
            answers, classes = self._answers(way)
            labels, names = self.pictures.labels, self.pictures.names
            order = orders.best(answers, labels, classes, names, self.options.labels)
            rows.append(_row(way, *order, baseline))
        return rows

    def _answers(self, way: Way) -> tuple[Int64s, int]:
        """The model's class of each image, [n], and how many classes it has."""
        from pipeline.validate.golden import run

        images = (ways.apply_way(image, way, self.options.image) for image in self.pictures.images)
        batch = np.stack(list(images)).astype(self.spec.dtype)
        outputs = run(self.loaded, {self.spec.name: batch})
        name = self.options.reading.task.name
        scores = need(lambda task: task.scores, name, "scores of classes", "task")(outputs)
        return scores.argmax(axis=1), scores.shape[1]


def _rank(row: dict[str, Any]) -> tuple[float, bool, bool]:
    """The most right first; of equals those with labels as given, then what a config can say."""
    return -row["right"], row["labels"] != orders.GIVEN, not row["sayable"]


def _row(
    way: Way, order: str, right: NDArray[np.bool_], baseline: NDArray[np.bool_]
) -> dict[str, Any]:
    row = share("right", right)
    gained, lost = int((right & ~baseline).sum()), int((baseline & ~right).sum())
    better = paired_difference(gained, lost, len(right))[0] > 0
    numbers = {"right": row["value"], "low": row["low"], "high": row["high"]}
    plain = way.sayable and order == orders.GIVEN
    return {"way": asdict(way), "labels": order, **numbers, "better": better, "sayable": plain}
