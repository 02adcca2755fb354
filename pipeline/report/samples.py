"""The samples on which artifacts are furthest from the source, ready to be shown."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.evidence import Evidence
from pipeline.artifacts.samples_folder import Golden
from pipeline.inputs.contract import inputs
from pipeline.measures import words
from pipeline.measures.worst import FILE
from pipeline.report.artifact import Artifact
from pipeline.report.proof import Proof
from pipeline.report.release import Release
from pipeline.tasks.contract import Drawn, Line, Shown, Stroke
from pipeline.tasks.find import Purpose, tasks
from pipeline.tensors.arrays import Array, Arrays, NDArray, np
from pipeline.tensors.per_sample import ORIGINS, PerSample
from pipeline.tensors.varying import SHAPES, join, pad, row, unpack

if TYPE_CHECKING:
    from pipeline.manifest.proof import WorstSample

#: Worst samples shown of each artifact.
SHOWN = 4

#: Differences below this are told in a sentence: no eye would see them in a table.
VISIBLE = 1e-3

#: Pixels of an image's longer side; larger ones are made smaller. With answers drawn over it, more
#: of it has to be seen.
LONGEST, LONGEST_DRAWN = 128, 320

#: Smaller ones are shown pixel by pixel.
SHORTEST = 96


@dataclass(frozen=True)
class Example:
    """One sample, and what became of it."""

    sample: int
    error: str
    image: str | None
    """A data URI of the input as an image."""
    inputs: list[tuple[str, str]]
    """Name and first values of each input that is no image."""
    lines: list[Line]
    changed: bool
    """Whether the artifact answers otherwise than the source."""
    description: str
    heading: str
    """What lines are of; empty of classes and outputs."""
    drawn: dict[str, str] = field(default_factory=dict)
    """Whose answer -> the path of an SVG of 1 by 1 that draws it over the image."""


@dataclass(frozen=True)
class Worst:
    """The worst samples of an artifact, on the target where they were worst."""

    proof: Proof
    examples: list[Example]


def worst_samples(release: Release, evidence: Evidence) -> list[Worst]:
    """Of each artifact whose outputs differ visibly, its worst samples; the worst first."""
    folder = evidence.golden
    golden = _Golden(release, folder.folder) if folder else None
    shown = []
    for artifact in release.artifacts:
        proof = _worst_proof(artifact)
        if proof and proof.worst[0]["error"] >= VISIBLE:
            folders = evidence.find_proof(artifact.id, proof.target)
            examples = golden.examples(proof, folders.folder) if golden and folders else []
            shown.append(Worst(proof, examples))
    return sorted(shown, key=lambda worst: -float(worst.proof.worst[0]["error"]))


def alike(release: Release) -> list[tuple[str, float]]:
    """Artifacts whose outputs differ invisibly, and by how much at most."""
    largest = {
        artifact.id: max(errors)
        for artifact in release.artifacts
        if (errors := [proof.worst[0]["error"] for proof in artifact.ran if proof.worst])
    }
    return [(name, error) for name, error in largest.items() if error < VISIBLE]


def _worst_proof(artifact: Artifact) -> Proof | None:
    proofs = [proof for proof in artifact.ran if proof.worst]
    return max(proofs, key=lambda proof: float(proof.worst[0]["error"]), default=None)


class _Golden:
    """The source's inputs, outputs and truth, of which single samples are read."""

    def __init__(self, release: Release, folder: Path) -> None:
        self._release, self._folder = release, folder

    def _row(self, file: str, sample: int) -> dict[str, Array]:
        """One sample's tensors; the file may be larger than the memory that this should take."""
        from safetensors import safe_open

        with safe_open(self._folder / file, framework="numpy") as tensors:
            names = [name for name in list(tensors.keys()) if not name.endswith(SHAPES)]
            return {name: row(tensors, name, sample) for name in names}

    def examples(self, proof: Proof, folder: Path) -> list[Example]:
        from safetensors.numpy import load_file

        outputs = unpack(load_file(folder / FILE))
        every = [self._example(row, worst, outputs) for row, worst in enumerate(proof.worst)]
        # Another answer is worse than a larger error; of what has none, there is little to see.
        every.sort(key=lambda example: (not example.changed, not example.lines))
        return every[:SHOWN]

    def _example(self, row: int, worst: WorstSample, outputs: Arrays) -> Example:
        sample = int(worst["sample"])
        outputs_of_row = {name: values[row] for name, values in outputs.items()}
        inputs = self._row(Golden.INPUTS, sample)
        shown = self._shown(sample, self._row(Golden.OUTPUTS, sample), outputs_of_row)
        longest = LONGEST_DRAWN if shown.drawn else LONGEST
        image, others = _shown_inputs(inputs, self._release.record.get("input") or {}, longest)
        return Example(
            sample=sample,
            error=words.number(worst["error"]),
            image=image,
            inputs=others,
            lines=shown.lines,
            changed=shown.changed,
            description=", ".join(filter(None, (f"Sample {sample}", shown.truth))),
            heading=shown.heading,
            drawn=_paths(shown.drawn) if image and shown.drawn else {},
        )

    def _shown(self, sample: int, source: Arrays, answers: Arrays) -> Shown:
        """As the release's task has it; without one that shows samples, by numbers."""
        record = self._release.record
        # A release may be of a task that only another version of this package has.
        task = tasks().get(str(record.get("task")))
        if task is None or task.show is None:
            return Shown(_differences(source, answers))
        said = {"options": record.get("task_options") or {}, "labels": record.get("labels") or []}
        purpose = Purpose(name=task.name, **said)
        origins = self._origins.rows(np.array([sample])) if self._origins else None
        about = purpose.about(origins=origins)
        truth = self._truth.sample(sample) if self._truth else None
        return task.show(source, answers, truth, about)

    @cached_property
    def _truth(self) -> PerSample | None:
        return PerSample.read(self._folder)

    @cached_property
    def _origins(self) -> PerSample | None:
        return PerSample.read(self._folder, ORIGINS)


def _differences(source: Arrays, answers: Arrays) -> list[Line]:
    """Of each output the element that differs most, and its shape where that differs."""
    lines = []
    for name, values in source.items():
        if values.shape != answers[name].shape:
            lines.append(Line(f"{name}, shape", _sizes(values), _sizes(answers[name])))
        right, answer = pad(join([values, answers[name]]))
        error = np.abs(right.astype(np.float64) - answer.astype(np.float64))
        if not error.size:
            continue
        at = np.unravel_index(int(np.nan_to_num(error, nan=np.inf).argmax()), error.shape)
        place = f"[{', '.join(str(int(i)) for i in at)}]" if at else ""
        lines.append(Line(f"{name}{place}", f"{float(right[at]):.4g}", f"{float(answer[at]):.4g}"))
    return lines


def _sizes(values: Array) -> str:
    return "×".join(map(str, values.shape))


def _paths(drawn: Drawn) -> dict[str, str]:
    return {"source": _path(drawn.source), "artifact": _path(drawn.artifact)}


def _path(strokes: Sequence[Stroke]) -> str:
    """``d`` of an SVG's path; a line to where it begins is a dot."""
    return "".join(
        "M"
        + "L".join(f"{x:.4g} {y:.4g}" for x, y in (stroke if len(stroke) > 1 else [*stroke] * 2))
        for stroke in strokes
    )


def _shown_inputs(
    inputs: Arrays, said: Mapping[str, Any], longest: int
) -> tuple[str | None, list[tuple[str, str]]]:
    """The input that can be seen as a picture, and the first values of the others.

    Args:
        said: the manifest's ``input``.
        longest: pixels of the picture's longer side, at most.
    """
    image, others = None, []
    for name, values in inputs.items():
        pixels = _pixels(values, said) if image is None else None
        if pixels is not None:
            image = data_uri(pixels, longest)
        else:
            others.append((name, _first_values(values)))
    return image, others


def _pixels(values: Array, said: Mapping[str, Any]) -> NDArray[np.uint8] | None:
    for kind, options in said.items():
        # A release may have a kind of input that only another version of this package has.
        spec = inputs().get(kind)
        if spec and spec.thumbnail:
            return spec.thumbnail(values, spec.options.model_validate(options))
    return None


def _first_values(values: Array, count: int = 6) -> str:
    first = ", ".join(f"{float(value):.4g}" for value in values.reshape(-1)[:count])
    shape = _sizes(values)
    return f"{first}{', …' if values.size > count else ''}" + (f" ({shape})" if shape else "")


def data_uri(pixels: NDArray[np.uint8], longest: int = LONGEST) -> str:
    """A picture for a page.

    Args:
        pixels: [height, width] or [height, width, 3].
        longest: pixels of its longer side, at most.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((longest, longest))
    # Of a tiny image people should see its pixels, not what a browser makes up between them.
    if (larger := SHORTEST // max(image.size)) > 1:
        image = image.resize(
            (image.width * larger, image.height * larger), Image.Resampling.NEAREST
        )
    file = io.BytesIO()
    image.save(file, "WEBP", quality=85, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
