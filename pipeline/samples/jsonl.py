"""Samples from a file of JSON lines: texts, or questions about texts, and what is right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.engine.step import Files
from pipeline.inputs.text.windows import Question
from pipeline.samples.contract import Item, Items, Needs, SamplesKind
from pipeline.samples.folder import SPLITS, assign

#: Of a line, and of lines.
MAX_LINE_BYTES, MAX_LINES = 4 << 20, 1_000_000


class Options(StrictOptions):
    """A ``.jsonl`` file: an object a line, ``{"text": …}`` or ``{"question": …, "context": …}``."""

    shorthand: ClassVar[str | None] = "file"

    file: InputPath
    """The file. Beside the text, a line may hold ``split`` (``calibration`` or ``test``, on every
    line or on none) and what the task makes truth of, such as ``labels`` or ``answers``."""

    description: str = ""
    """What the samples are, for people."""

    license: str = ""
    """Their licence."""

    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the samples for the test split, where lines have no ``split``."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Decides which samples, where lines have no ``split``."""


def items(files: Files, options: Options, needs: Needs) -> Items:
    """The lines by split.

    Raises:
        SourceError: a line is no sample, or splits are named on some only.
    """
    where = f"samples.jsonl: {options.file.name}"
    lines = list(_lines(files["file"], where))
    if not lines:
        raise SourceError("has no samples", where=where)
    splits = {
        name: [partial(_item, *lines[row], needs.facts, where) for row in rows]
        for name, rows in _rows(lines, options, where).items()
    }
    return Items(splits, options.description or options.file.name, options.license)


def _lines(file: Path, where: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each line's number and object; empty lines are none."""
    with file.open("rb") as content:
        for number, line in enumerate(iter(lambda: content.readline(MAX_LINE_BYTES + 1), b""), 1):
            if len(line) > MAX_LINE_BYTES or number > MAX_LINES:
                raise SourceError(
                    f"line {number} has over {MAX_LINE_BYTES:,} bytes, or is one of over "
                    f"{MAX_LINES:,}",
                    where=where,
                )
            if line.strip():
                yield number, _parsed(line, number, where)


def _parsed(line: bytes, number: int, where: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"line {number} is no JSON: {error}", where=where) from error
    texts = ("text",) if isinstance(value, dict) and "text" in value else ("question", "context")
    if not isinstance(value, dict) or not all(isinstance(value.get(t), str) for t in texts):
        raise SourceError(
            f"line {number} has neither a text nor a question and its context",
            where=where,
            todo='write {"text": "…"} or {"question": "…", "context": "…"} on each line',
        )
    return value


def _item(number: int, line: Mapping[str, Any], facts: Sequence[str], where: str) -> Item:
    raw = line["text"] if "text" in line else Question(line["question"], line["context"])
    known = {name: line[name] for name in facts if name in line}
    return Item(raw, f"{where}:{number}", known)


def _rows(
    lines: Sequence[tuple[int, Mapping[str, Any]]], options: Options, where: str
) -> Mapping[str, Sequence[int]]:
    named = [line.get("split") for _, line in lines]
    if not any(named):
        rows = assign(len(lines), options.test_share, options.seed)
        return {name: index.tolist() for name, index in rows.items()}
    if {*named} != {*SPLITS}:
        raise SourceError(
            "split does not say calibration or test on every line, with both in use", where=where
        )
    return {name: [row for row, split in enumerate(named) if split == name] for name in SPLITS}


SAMPLES = SamplesKind(name="jsonl", options=Options, raw="text", items=items)
