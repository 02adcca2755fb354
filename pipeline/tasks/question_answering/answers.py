"""Outputs -> parts of a text that answer a question. Its twin is ``task.js``.

An answer's score is the sum of the logits of its first and its last token, over all windows of the
text (Devlin et al. 2018, section 4.2, and run_squad.py). Every span is looked at, not only those
between the likeliest starts and ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tasks.question_answering.options import QuestionAnsweringOptions
from pipeline.tensors.arrays import Arrays, Float64s, Int64s, np
from pipeline.tensors.per_sample import PerSample

Told = About[QuestionAnsweringOptions]


@dataclass(frozen=True)
class Spans:
    """All that may answer one question, in the order of windows, starts and ends."""

    starts: Int64s
    """[k], in code points of the text."""
    ends: Int64s
    """[k], the code point behind the last."""
    scores: Float64s
    """[k], sums of two logits."""
    none: float
    """The score of no answer; minus infinity where the model knows no such thing."""

    def probabilities(self) -> Float64s:
        """Of each, the softmax over all spans, and no answer."""
        most = max(self.none, *self.scores.tolist(), -1e300)
        powers: Float64s = np.exp(self.scores - most)
        shares: Float64s = powers / (powers.sum() + np.exp(self.none - most))
        return shares


def answers(outputs: Arrays, about: Told) -> list[list[dict[str, Any]]]:
    """Of each question what answers it, the likeliest first: ``{"text", "start", "end", "score"}``.

    ``start`` and ``end`` are code points of the text, the score is a probability; there is nothing
    where no answer counts. A question's windows are rows of one ``question`` of the origins;
    questions come in the order of their first.

    Raises:
        ConfigError: the model has other outputs, or it is not known what text it read.
    """
    all_answers = []
    for rows in questions(about):
        text = text_of(rows, about)
        spans = find(spans_of(outputs, rows, about), about)
        all_answers.append([_answer(text, *span) for span in spans])
    return all_answers


def _answer(text: Int64s, start: int, end: int, score: float) -> dict[str, Any]:
    return {"text": written(text[start:end]), "start": start, "end": end, "score": score}


def written(points: Int64s) -> str:
    """Code points as text."""
    return "".join(map(chr, points.tolist()))


def has_texts(about: Told) -> bool:
    """Whether samples are questions about texts."""
    return about.origins is not None and "text" in about.origins.names


def read_texts(about: Told) -> PerSample:
    """What the kind of input says of each window.

    Raises:
        ConfigError: samples were no questions.
    """
    if about.origins is None or not has_texts(about):
        raise ConfigError(
            "answers are parts of a text, and these samples are none",
            where="samples",
            todo="give questions with their contexts: samples.jsonl, beside input.text",
        )
    return about.origins


def text_of(rows: Int64s, about: Told) -> Int64s:
    """The code points of the text that a question's windows, which are rows, are of."""
    points: Int64s = read_texts(about).of("text", int(rows[0]))
    return points


def questions(about: Told) -> Iterator[Int64s]:
    """The rows of each question's windows."""
    numbers = read_texts(about).arrays["question"]
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    for number in np.argsort(first).tolist():
        yield np.flatnonzero(inverse == number)


def find(spans: Spans, about: Told) -> list[tuple[int, int, float]]:
    """The best spans that count: where they begin and end, and their probabilities."""
    options = about.options
    shares, alive = spans.probabilities(), spans.scores >= least(spans, options)
    found: list[tuple[int, int, float]] = []
    while len(found) < options.max and alive.any():
        best = int(np.where(alive, spans.scores, -np.inf).argmax())
        start, end = int(spans.starts[best]), int(spans.ends[best])
        found.append((start, end, float(shares[best])))
        if options.overlap:
            alive &= (spans.starts != start) | (spans.ends != end)
        else:
            alive &= (spans.starts >= end) | (spans.ends <= start)
    return found


def least(spans: Spans, options: QuestionAnsweringOptions) -> float:
    """The score that an answer needs in order to count."""
    if options.threshold is None:
        return spans.none
    return (spans.none if options.no_answer else 0.0) + options.threshold


def spans_of(outputs: Arrays, rows: Int64s, about: Told) -> Spans:
    """All spans of a question's windows, in which the model's outputs are rows."""
    options = about.options
    starts, ends = (_logits(outputs, name) for name in (options.start, options.end))
    parts = [_of_window(starts[row], ends[row], int(row), about) for row in rows]
    # run_squad.py: of the windows, the one that is least sure that there is none.
    none = float((starts[rows, 0] + ends[rows, 0]).min()) if options.no_answer else -np.inf
    begin, end, scores = (np.concatenate(values) for values in zip(*parts, strict=True))
    return Spans(begin, end, scores, none)


def _of_window(
    starts: Float64s, ends: Float64s, row: int, about: Told
) -> tuple[Int64s, Int64s, Float64s]:
    """Starts, ends and scores of one window's spans."""
    origins = read_texts(about)
    places, best = origins.of("offsets", row), origins.of("best", row)
    if not len(places) == len(starts) == len(ends):
        raise _misfit({"tokens": places, "starts": starts, "ends": ends})
    first = np.arange(len(starts))[:, None]
    last = first + np.arange(about.options.longest)[None]
    is_inside = last < len(starts)
    last = np.minimum(last, len(starts) - 1)
    scores = starts[first] + ends[last]
    begin, end = places[first, 0], places[last, 1]
    # A token may stand for no character; what is no number is no answer either.
    fits = is_inside & best[:, None] & (places[last, 0] >= 0) & (end > begin) & (scores > -np.inf)
    begin = np.broadcast_to(begin, fits.shape)
    return begin[fits].astype(np.int64), end[fits].astype(np.int64), scores[fits]


def _logits(outputs: Arrays, name: str) -> Float64s:
    """[n, tokens]."""
    values = outputs.get(name)
    if values is None or [size for size in values.shape[2:] if size != 1] or values.ndim < 2:
        raise _misfit(outputs)
    return values.reshape(len(values), -1).astype(np.float64)


def _misfit(outputs: Arrays) -> ConfigError:
    shapes = {name: tuple(values.shape) for name, values in outputs.items()}
    return ConfigError(
        "answers need two outputs, [n, tokens], of where they begin and end, with a value for each "
        f"token that the model reads; this model gives {shapes}",
        where="task",
        todo="name them as start and end, or leave task out: outputs are then compared alone",
    )
