"""The right answers to each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.question_answering.answers import Told, written
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.per_sample import PerSample, ragged

NAME = "answers"


def answers_of(facts_of: Sequence[Mapping[str, Any]], about: Told) -> PerSample | None:
    """``answers`` of each sample, all that are right, as code points with -1 behind each; none
    where the text has no answer. ``None`` where no sample has any said of it.

    They may stand as texts, or as SQuAD's files have them: ``[{"text": …}]``, or ``{"text": […]}``.

    Raises:
        ConfigError: some have answers said, or what is said is none.
    """
    said = [facts.get(NAME) for facts in facts_of]
    if all(one is None for one in said):
        return None
    return PerSample(
        ragged({NAME: [_points(_texts(one, sample)) for sample, one in enumerate(said)]})
    )


def _texts(said: Any, sample: int) -> list[str]:
    listed = said.get("text") if isinstance(said, dict) else said
    if isinstance(listed, list):
        texts = [one.get("text") if isinstance(one, dict) else one for one in listed]
        strings = [text for text in texts if isinstance(text, str)]
        if len(strings) == len(texts):
            return strings
    raise ConfigError(
        f"sample {sample} has the answers {said!r}",
        where="samples",
        todo='give all right answers of every question, as ["in 1987", "1987"], and [] where the '
        "text has none; or say nothing of any",
    )


def _points(texts: Sequence[str]) -> Array:
    return np.array([ord(char) if char else -1 for text in texts for char in (*text, "")], np.int32)


def right_answers(points: Array) -> list[str]:
    """The texts of one sample."""
    ends = np.flatnonzero(points == -1)
    return [written(part[part >= 0]) for part in np.split(points, ends)[:-1]]
