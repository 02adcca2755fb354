"""A detector and a model that looks where it finds something, proved as one.

The source models answer in the runtimes that they come from, and NumPy cuts and projects; pages
have to put the same points in the same places, with the code that a release publishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.chain_folder import Answers, ChainFolder
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import ConfigError
from pipeline.base.options import StrictOptions
from pipeline.config.region import Regions
from pipeline.engine.step import Files, step
from pipeline.inputs.image.around import choose_regions, region_of
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import cast, laid_out
from pipeline.inputs.image.read import image_input, read
from pipeline.inputs.image.region import Region, apply_region
from pipeline.samples.read import ReadOptions, read_items
from pipeline.sources.contract import LoadedModel
from pipeline.tasks.find import Purpose, need
from pipeline.tasks.same_points import SLACK, pair_things
from pipeline.tensors.arrays import Array, Arrays, Float64s, NDArray, np
from pipeline.tensors.per_sample import PerSample
from pipeline.validate.golden import run

#: So many pictures, the first test samples, have to do.
MOST = 24

#: Points are in the same place up to such a share of the side of the square that was looked at.
TOLERANCE = 0.01

if TYPE_CHECKING:
    from pipeline.backends.web.page_session import PageSession

    Picture = NDArray[np.uint8]


class Reading(StrictOptions):
    """A model that reads images: how, and what its outputs mean."""

    input: ImageOptions
    task: Purpose

    def told(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """What a page knows of it."""
        task = self.task
        described = {"input": {"image": self.input.model_dump(mode="json")}, **about}
        return described | {"task_options": task.options, "labels": task.labels or None}


class ChainOptions(StrictOptions):
    """Two models, and what is between them."""

    region: Regions
    model: Reading
    detector: Reading
    samples: ReadOptions


@dataclass(frozen=True)
class Model:
    """A source model, in the runtime that it comes from."""

    loaded: LoadedModel
    reading: Reading

    def answers(
        self, pictures: Sequence[Picture], squares: Sequence[Region | None]
    ) -> list[Answers]:
        """Of each picture, or of a square of it, a list of answers, in pixels of the picture."""
        if not pictures:
            return []
        pairs = zip(pictures, squares, strict=True)
        inputs, origins = zip(*(self._tensor(*pair) for pair in pairs), strict=True)
        stacked = {name: np.stack([one[name] for one in inputs]) for name in inputs[0]}
        outputs = run(self.loaded, stacked)
        task = self.reading.task
        of_outputs = need(lambda one: one.answers, task.name, "answers", "region")
        kept = {name: np.stack([one[name] for one in origins]) for name in origins[0]}
        return list(of_outputs(outputs, task.about(origins=PerSample(kept))))

    def _tensor(self, picture: Picture, square: Region | None) -> tuple[Arrays, Arrays]:
        how, specs = self.reading.input, self.loaded.signature.inputs
        if square is None:
            whole = read(picture, how, specs, "region")
            return whole.arrays, whole.origin
        spec = image_input(specs, "region")
        values: Array = laid_out(apply_region(picture, square, how), how, spec.shape)
        size = how.size or picture.shape[:2]
        origin = square.origin(size, picture.shape[:2])
        return {spec.name: cast(values, spec.dtype)}, origin


@step(version=1, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras", "pillow"))
def make(
    source: SourceFolder, detector: SourceFolder, files: Files, options: ChainOptions, work: Path
) -> None:
    """Two SOURCEs and the local files of the samples -> CHAIN.

    Raises:
        ConfigError: nothing is found in any picture, or an answer has not the points that the
            squares are made of.
    """
    from PIL import Image

    from pipeline.sources.load import load

    chain = ChainFolder(work)
    finder = Model(load(detector.folder), options.detector)
    pictures = _pictures(finder, files, options.samples)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(chain.picture(number))
    found = finder.answers(pictures, [None] * len(pictures))
    model = Model(load(source.folder), options.model)
    first = _look(model, pictures, found, options.region, "found")
    if not any(first):
        raise ConfigError(
            f"nothing is found in any of {len(pictures)} pictures, so they prove nothing",
            where="region",
            todo="give samples that show what the detector finds",
        )
    chain.write(
        {
            "region": options.region.model_dump(mode="json"),
            "model": options.model.told({}),
            "detector": options.detector.told({}),
            "first": first,
            "next": _look(model, pictures, first, options.region, "followed"),
        }
    )


def _pictures(finder: Model, files: Files, samples: ReadOptions) -> list[Picture]:
    needs = samples.list_needs(finder.loaded.signature.inputs, files)
    readings = read_items(files, samples, needs).splits["test"]
    return [reading().raw for reading in readings[:MOST]]


def _look(
    model: Model, pictures: Sequence[Picture], found: Sequence[Answers], rule: Regions, name: str
) -> list[Answers]:
    """Of each picture what the model answers where ``found`` is, each with the square's ``side``.

    Args:
        name: of what in the rule the squares are made by.
    """
    squares = [choose_regions([], _squares(each, rule, name), rule.max) for each in found]
    flat = [(number, square) for number, own in enumerate(squares) for square in own]
    told = model.answers([pictures[number] for number, _ in flat], [square for _, square in flat])
    answers: list[Answers] = [[] for _ in pictures]
    for (number, square), own in zip(flat, told, strict=True):
        answers[number] += [{**answer, "side": square.width} for answer in own]
    return answers


def _squares(answers: Answers, rule: Regions, name: str) -> list[Region]:
    try:
        return [region_of(answer, getattr(rule, name)) for answer in answers]
    except (IndexError, ValueError) as error:
        points = len(answers[0].get("keypoints") or []) + len(answers[0].get("auxiliary") or [])
        raise ConfigError(
            f"a square is made of points that answers do not have: they have {points}",
            where=f"region.{name}",
            todo="count points from 0, as the answers list them",
        ) from error


def agreement(chain: ChainFolder, answered: Mapping[str, Sequence[Answers]]) -> dict[str, Any]:
    """How far a page's answers are from those of the source models.

    Args:
        answered: ``first`` and ``next``, as the page gave them.

    Returns:
        ``same``, the share of the points that are in the same place, and ``furthest``, how far the
        furthest one is, as a share of the side of the square that was looked at; of no thing that
        only one of them finds. ``things``: how many were compared.
    """
    facts = chain.facts
    threshold = facts["model"]["task_options"].get("threshold", 0.0)
    same = total = things = 0
    furthest = 0.0
    for name in ("first", "next"):
        for mine, wanted in zip(answered[name], facts[name], strict=True):
            shares = _distances(mine, wanted)
            same += sum(int((share <= TOLERANCE).sum()) for share in shares)
            furthest = max([furthest, *(float(share.max()) for share in shares)])
            things += len(shares)
            total += sum(share.size for share in shares) + _alone(mine, wanted, threshold)
    return {"same": same / total if total else 0.0, "furthest": furthest, "things": things}


def _distances(mine: Answers, wanted: Answers) -> list[Float64s]:
    """Of each thing that both have, how far apart its points are: shares of the square's side."""
    if not (mine and wanted):
        return []
    apart = np.array([[_apart(one, other) for other in wanted] for one in mine])
    pairs = pair_things(np.median(apart, axis=-1))
    return [apart[row, other] / wanted[other]["side"] for row, other in pairs]


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> Float64s:
    ours, theirs = (
        np.array([[point["x"], point["y"]] for point in answer["keypoints"]])
        for answer in (one, other)
    )
    apart: Float64s = np.linalg.norm(ours - theirs, axis=-1)
    return apart


def _alone(mine: Answers, wanted: Answers, threshold: float) -> int:
    """Points of things that only one of them finds, though they are clearly over the threshold."""
    longer = mine if len(mine) > len(wanted) else wanted
    extra = sorted(longer, key=lambda one: -one["score"])[min(len(mine), len(wanted)) :]
    return sum(len(one["keypoints"]) for one in extra if one["score"] >= threshold + SLACK)


def measure(
    session: PageSession, chain: ChainFolder, detector: ArtifactFolder, code: tuple[Path, Path]
) -> dict[str, Any]:
    """Both in a page: the agreement, as ``agreement`` has it, and what else a manifest says.

    Args:
        session: of the model's artifact, in a page.
        detector: of the same format.
        code: the bundles of the tasks: the model's and the detector's.
    """
    facts = chain.facts
    count = len(facts["first"])
    answered = session.look(detector, code, facts, [chain.picture(i) for i in range(count)])
    found = agreement(chain, answered)
    times = {
        f"{name}_ms": median(
            ms for ms, each in zip(answered[f"{name}Ms"], answered[name], strict=True) if each
        )
        for name in ("first", "next")
        if any(answered[name])
    }
    return {"detector": detector.id, "pictures": count, **found, **times}
