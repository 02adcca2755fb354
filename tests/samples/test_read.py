"""Samples, inputs and tasks add: each is told apart from the others, and none knows of another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from reading import reading
from safetensors.numpy import load_file

from pipeline.base.errors import SourceError
from pipeline.base.options import NoOptions
from pipeline.inputs.image.fit import to_image
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.text.options import TextOptions
from pipeline.samples.read import read
from pipeline.tasks.contract import Task
from pipeline.tasks.find import tasks
from pipeline.tasks.question_answering.truth import right_answers
from pipeline.tensors.per_sample import ORIGINS, TRUTH, PerSample, ragged
from pipeline.tensors.signature import TensorSpec

TOKENIZER = Path(__file__).parents[1] / "client/fixtures/tokenizers/wordpiece-uncased.json"
Frozen = Callable[..., dict[str, Path]]


def boxes_of(said: Sequence[Mapping[str, Any]], about: Any) -> PerSample:
    return PerSample(ragged({"boxes": [one["boxes"] for one in said]}))


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> str:
    """A task with a truth that is no label."""
    task = Task("boxes", NoOptions, reads=("boxes",), truth=boxes_of)
    monkeypatch.setitem(tasks(), "boxes", task)
    return "boxes"


def test_each_image_keeps_how_it_lies_in_the_input(
    frozen: Frozen, work: Path, tmp_path: Path
) -> None:
    """With a border on both sides of a wide one, so that answers come back in its own pixels."""
    root = tmp_path / "photos"
    root.mkdir()
    for name, size in (("1", (40, 10)), ("2", (8, 16)), ("3", (20, 20))):
        Image.new("L", size, 9).save(root / f"{name}.png")
    how = ImageOptions(size=(20, 20), fit="letterbox", color="grey", scale=(0, 255))
    options = reading("images", {"folder": root, "test_share": 0.5, "seed": 1}, how)
    spec = TensorSpec("image", "float32", (None, 20, 20, 1))
    read({**frozen(spec), "folder": root}, options, work)
    found = {}
    for split in ("calibration", "test"):
        origins = PerSample.read(work / split, ORIGINS)
        values = load_file(work / split / "inputs.safetensors")["image"]
        assert origins is not None and len(origins) == len(values)
        for row in range(len(values)):
            one = origins.sample(row)
            rows, columns = np.nonzero(values[row, :, :, 0])
            inside = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
            found[tuple(one["size"].tolist())] = to_image(inside, one["scale"], one["pad"])
    assert {size: ends.tolist() for size, ends in found.items()} == {
        size: [[0, 0], [size[1], size[0]]] for size in ((10, 40), (16, 8), (20, 20))
    }


def test_a_kind_of_samples_says_what_any_task_reads(
    frozen: Frozen, work: Path, tmp_path: Path, boxes: str
) -> None:
    """Rows of what a sample has many or none of, as its offsets tell."""
    values = np.arange(8, dtype=np.float32)[:, None]
    parts = [np.full((n % 3, 4), n, np.float32) for n in range(8)]
    file = tmp_path / "samples.npz"
    np.savez(file, x=values, **ragged({"boxes": parts}))
    inputs = {**frozen(TensorSpec("x", "float32", (None, 1))), "file": file}
    read(inputs, reading("npz", {"file": file}, task=boxes), work)
    for split in ("calibration", "test"):
        truth = PerSample.read(work / split)
        numbers = load_file(work / split / "inputs.safetensors")["x"].ravel().astype(int)
        assert truth is not None
        for row, number in enumerate(numbers):
            np.testing.assert_array_equal(truth.of("boxes", row), parts[number])


def test_what_neither_model_nor_task_reads_is_refused(
    frozen: Frozen, work: Path, tmp_path: Path, boxes: str
) -> None:
    file = tmp_path / "samples.npz"
    np.savez(file, x=np.zeros((4, 1), np.float32), labels=np.zeros(4, np.int64))
    inputs = {**frozen(TensorSpec("x", "float32", (None, 1))), "file": file}
    with pytest.raises(SourceError, match="samples are named labels, x, the model's inputs x"):
        read(inputs, reading("npz", {"file": file}, task=boxes), work)


def test_a_question_about_a_long_text_is_several_samples(
    frozen: Frozen, work: Path, tmp_path: Path
) -> None:
    """Each window has the question's truth, and the text that it is of, whatever its length."""
    file, tokens = tmp_path / "questions.jsonl", TOKENIZER
    contexts = {"test": "model " * 20, "calibration": "A model."}
    lines = [
        {"split": split, "question": "What?", "context": context, "answers": [split]}
        for split, context in contexts.items()
    ]
    lines += [{**lines[0], "context": "short", "answers": []}]
    file.write_text("\n".join(map(json.dumps, lines)))
    how = TextOptions(tokenizer=tokens, stride=4)
    options = reading("jsonl", {"file": file}, text=how, task={"name": "question-answering"})
    spec = TensorSpec("input_ids", "int32", (None, 12))
    read({**frozen(spec), "file": file, "input_tokenizer": tokens}, options, work)
    truth, origins = (PerSample.read(work / "test", part) for part in (TRUTH, ORIGINS))
    values = load_file(work / "test" / "inputs.safetensors")["input_ids"]
    assert truth and origins and len(values) == len(truth) == len(origins) > 4
    texts = ["".join(map(chr, origins.of("text", row))) for row in range(len(values))]
    assert texts == [contexts["test"]] * (len(values) - 1) + ["short"]
    said = [right_answers(truth.of("answers", row)) for row in range(len(values))]
    assert said == [["test"]] * (len(values) - 1) + [[]]
    assert len({*origins.arrays["question"].tolist()}) == 2


def test_made_up_images_are_read_as_others_are(frozen: Frozen, work: Path) -> None:
    """Mean and deviation of each channel, and channels first."""
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    how = ImageOptions(size=(24, 24), mean=mean, std=std)
    spec = TensorSpec("image", "float32", (None, 3, 24, 24))
    read(frozen(spec), reading("random", 6, how), work)
    values = load_file(work / "test" / "inputs.safetensors")["image"]
    assert values.shape == (6, 3, 24, 24)
    levels = (values * np.reshape(std, (3, 1, 1)) + np.reshape(mean, (3, 1, 1))) * 255
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    assert 0 <= levels.min() < 60 and 190 < levels.max() <= 255.01


def test_made_up_images_of_whole_numbers_may_have_channels_first(
    frozen: Frozen, work: Path
) -> None:
    how = ImageOptions(size=(24, 24), scale=(-100, 100))
    spec = TensorSpec("image", "int8", (None, 3, 24, 24))
    read(frozen(spec), reading("random", 6, how), work)
    values = load_file(work / "test" / "inputs.safetensors")["image"]
    assert (values.shape, values.dtype) == ((6, 3, 24, 24), np.int8)
    assert -100 <= values.min() < -50 and 50 < values.max() <= 100
