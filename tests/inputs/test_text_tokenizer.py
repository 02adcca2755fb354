"""Tokenizers that are untrusted files, and texts that become a model's inputs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import text_cases
from pydantic import ValidationError

from pipeline.base.errors import SourceError
from pipeline.inputs.text import tokenizer
from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.read import read
from pipeline.inputs.text.windows import MAX_CHARS, Question, windows
from pipeline.tensors.signature import TensorSpec

UNCASED = text_cases.FOLDER / "wordpiece-uncased.json"


def spec(name: str, length: int | None, dtype: str = "int32") -> TensorSpec:
    return TensorSpec(name, dtype, (None, length))


BERT = [spec(name, 12, "int64") for name in ("input_ids", "attention_mask", "token_type_ids")]


def changed(folder: Path, **parts: Any) -> Path:
    file = folder / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(UNCASED.read_text()), **parts}))
    return file


REFUSED = {
    "Precompiled": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": ""}},
    "Split": {
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(a+)+$"}}],
        }
    },
    "normalizer Replace": {
        "normalizer": {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}
    },
    "WordLevel": {"model": {"type": "WordLevel", "vocab": {}}},
    "no tokenizer.json": {"model": {"type": "WordPiece"}},
    "no model": {"model": None},
    "not special": {"added_tokens": [{"id": 5, "content": "<x>", "special": False}]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_pages_do_not_know_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=name):
        TextOptions(tokenizer=changed(tmp_path, **REFUSED[name]))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"model": 3}'])
def test_what_is_no_tokenizer_is_told_in_a_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json(:| is no tokenizer)"):
        tokenizer.check_file(file)


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="more than 1,000"):
        tokenizer.check_file(changed(tmp_path))


def test_what_passes_the_check_may_still_be_none(tmp_path: Path) -> None:
    """The library panics, or says why."""
    broken = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": -1}}
    with pytest.raises(ValueError, match="that can be read"):
        tokenizer.load(changed(tmp_path, model=broken))


def test_special_tokens_in_a_text_are_letters() -> None:
    (window,) = windows("[SEP]", TextOptions(tokenizer=UNCASED), 12)
    assert (window.ids == 3).sum() == 1, "the one behind the text"


def test_a_text_becomes_what_the_model_reads() -> None:
    (tensors,) = read("The model runs.", TextOptions(tokenizer=UNCASED), BERT, "here")
    assert list(tensors.arrays) == [one.name for one in BERT] and tensors.origin == {"tokens": 6}
    ids, mask, types = tensors.arrays.values()
    assert all(array.shape == (12,) and array.dtype == np.int64 for array in (ids, mask, types))
    assert ids[0] == 2 and ids[mask.sum() - 1] == 3 and not ids[mask == 0].any()
    (cut,) = read("word " * 50, TextOptions(tokenizer=UNCASED), BERT, "here")
    long = cut.arrays["input_ids"]
    assert long[-1] == 3 and long.all(), "cut, and closed"


def test_a_model_may_read_ids_alone() -> None:
    options = TextOptions(tokenizer=UNCASED, ids="tokens", length=6)
    (tensors,) = read("A model", options, [spec("tokens", None, "float32")], "here")
    assert tensors.arrays["tokens"].dtype == np.float32


def test_the_places_of_a_context_are_code_points_of_it() -> None:
    context = "👍🏽 Zoë came"
    inputs = [spec("input_ids", 30)]
    asked = Question("Who?", context)
    (origin,) = [one.origin for one in read(asked, TextOptions(tokenizer=UNCASED), inputs, "")]
    assert "".join(map(chr, origin["text"])) == context
    places = {tuple(place) for place in origin["offsets"].tolist() if place[0] >= 0}
    assert {context[a:b] for a, b in places} >= {"Z"} and max(b for _, b in places) <= len(context)


WRONG: dict[str, tuple[list[TensorSpec], dict[str, Any]]] = {
    "name its inputs": ([spec("x", 12)], {}),
    "set length": ([spec("input_ids", None)], {}),
    "to 12": ([spec("input_ids", 12)], {"length": 9}),
    "no room": ([spec("input_ids", 2)], {}),
    "are \\[batch, tokens\\]": ([TensorSpec("input_ids", "int32", (None,))], {}),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_said(message: str) -> None:
    inputs, options = WRONG[message]
    with pytest.raises(SourceError) as caught:
        read("text", TextOptions(tokenizer=UNCASED, **options), inputs, "here")
    text = f"{caught.value} {caught.value.todo}"
    assert re.search(message, text), text


def test_long_texts_are_bounded() -> None:
    options = TextOptions(tokenizer=UNCASED)
    with pytest.raises(SourceError, match="more than 1,048,576"):
        read("x" * (MAX_CHARS + 1), options, BERT, "here")


def test_a_long_context_is_read_through_windows_that_share_a_question() -> None:
    options = TextOptions(tokenizer=UNCASED, stride=4)
    read_windows = read(Question("?", "model " * 20), options, BERT, "here")
    assert len(read_windows) > 2
    numbers = {int(one.origin["question"]) for one in read_windows}
    (other,) = read(Question("?", "model"), options, BERT, "here")
    assert len(numbers) == 1 and int(other.origin["question"]) not in numbers
    best = [one.origin["offsets"][one.origin["best"]].tolist() for one in read_windows]
    places = [place for window in best for place in window]
    whole = {tuple(p) for one in read_windows for p in one.origin["offsets"].tolist() if p[0] >= 0}
    assert len(places) == len(whole) and {tuple(place) for place in places} == whole
