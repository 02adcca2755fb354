"""Answers are those of @tensorflow-models/qna to the same logits, but for its faults."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.read import read
from pipeline.inputs.text.windows import Question
from pipeline.tasks.find import Purpose
from pipeline.tasks.question_answering.answers import answers
from pipeline.tensors.per_sample import PerSample, gather
from pipeline.tensors.signature import TensorSpec

pytestmark = pytest.mark.nightly

PACKAGE, TWIN = "@tensorflow-models/qna@1.0.2", Path(__file__).with_name("qna_peer.cjs")
LENGTH, WORDS, FIRST = 384, 90, 5
#: Its constants: the least sum of logits, and answers of fewer tokens than 32.
OPTIONS = {"threshold": 4.3980759382247925, "longest": 31, "overlap": True, "max": 100}
CONTEXT = " ".join(f"w{index}" for index in range(WORDS))
ASKED = Question("w1 w2?", CONTEXT)


def tokenizer(folder: Path) -> Path:
    """Each word is a token."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "?", *CONTEXT.split()]
    special = {
        name: {"id": name, "ids": [i], "tokens": [name]} for name, i in (("[CLS]", 2), ("[SEP]", 3))
    }
    cls, sep = ({"SpecialToken": {"id": name, "type_id": 0}} for name in special)
    first, second = ({"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB"))
    file = folder / "tokenizer.json"
    model = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {word: number for number, word in enumerate(words)},
    }
    around = {
        "type": "TemplateProcessing",
        "single": [cls, first, sep],
        "pair": [cls, first, sep, second, sep],
        "special_tokens": special,
    }
    whole = {
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": around,
        "model": model,
    }
    file.write_text(
        json.dumps(
            {"version": "1.0", "added_tokens": [], "normalizer": None, "decoder": None, **whole}
        )
    )
    return file


def logits(seed: int) -> tuple[Any, Any]:
    """Noise, and five likely starts and ends that lie near each other, none the first word."""
    chance = np.random.default_rng(seed)
    starts, ends = chance.normal(0, 1, (2, LENGTH)).astype(np.float32)
    around = FIRST + int(chance.integers(1, WORDS - 20))
    for values in (starts, ends):
        places = around + chance.choice(18, 5, replace=False)
        values[places] += chance.uniform(5, 12, 5).astype(np.float32)
    return starts, ends


def peers(cases: list[tuple[Any, Any]], folder: Path) -> Any:
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE]
    packed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    with tarfile.open(folder / packed) as archive:
        archive.extractall(folder, filter="data")
    given = [{**ASKED._asdict(), "starts": s.tolist(), "ends": e.tolist()} for s, e in cases]
    done = subprocess.run(
        ["node", str(TWIN), str(folder / "package")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def ours(starts: Any, ends: Any, file: Path) -> list[dict[str, Any]]:
    text = TextOptions(tokenizer=file, length=LENGTH, query=64, stride=128)
    samples = read(ASKED, text, [TensorSpec("input_ids", "int32", (None, LENGTH))], "here")
    assert len(samples) == 1 and samples[0].origin["offsets"][FIRST].tolist() == [0, 2]
    origins = PerSample(gather([sample.origin for sample in samples]))
    about = Purpose(name="question-answering", options=OPTIONS).about(origins=origins)
    (found,) = answers({"start_logits": starts[None], "end_logits": ends[None]}, about)
    return found


def test_answers_are_the_peers(tmp_path: Path) -> None:
    file, cases = tokenizer(tmp_path), [logits(seed) for seed in range(40)]
    compared = 0
    for (starts, ends), expected in zip(cases, peers(cases, tmp_path), strict=True):
        found = ours(starts, ends, file)
        texts = [one["text"] for one in found]
        if not expected:
            continue
        assert texts[0] == expected[0]["text"]
        # It looks at the five likeliest starts and ends alone: what else is there lies between.
        order = [texts.index(one["text"]) for one in expected]
        assert order == sorted(order)
        for one, place in zip(expected, order, strict=True):
            assert found[place]["start"] == one["startIndex"]
            compared += 1
    assert compared > 100


def test_an_answer_may_begin_in_the_first_word_as_the_peers_may_not(tmp_path: Path) -> None:
    starts, ends = (np.full(LENGTH, -5, np.float32) for _ in range(2))
    starts[FIRST], ends[FIRST + 1] = 9, 9
    file = tokenizer(tmp_path)
    assert ours(starts, ends, file)[0]["text"] == "w0 w1"
    (peer,) = peers([(starts, ends)], tmp_path)
    assert "w0 w1" not in [one["text"] for one in peer]
