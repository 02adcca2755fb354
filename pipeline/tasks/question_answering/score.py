"""How right answers are, as SQuAD's own evaluate-v2.0.py has it, and whether two models give the
same (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1; 2018, arXiv:1806.03822)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from pipeline.measures.score import Score, share_of
from pipeline.tasks.question_answering.answers import (
    Told,
    find,
    has_texts,
    questions,
    spans_of,
    text_of,
    written,
)
from pipeline.tasks.question_answering.metrics import AGREEMENT, EXACT, F1
from pipeline.tasks.question_answering.truth import NAME, right_answers
from pipeline.tensors.arrays import Arrays, np
from pipeline.tensors.per_sample import PerSample

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def score(outputs: Arrays, truth: PerSample, about: Told) -> Score:
    """What the options' metric says of the best answer to each question."""
    answered = [text for text, _ in _best(outputs, about)]
    right = [right_answers(truth.of(NAME, int(rows[0]))) for rows in questions(about)]
    pairs = list(zip(answered, right, strict=True))
    if about.options.metric == "exact":
        return share_of(EXACT.name, np.array([exact(*pair) for pair in pairs], np.bool_))
    shared = np.array([f1(*pair) for pair in pairs])
    return Score(F1.name, len(shared), lambda chosen: float(shared[chosen].mean()))


def agree(outputs: Arrays, golden: Arrays, about: Told) -> dict[str, float | None]:
    """``span_agreement``: the share of questions that get the same part of the text."""
    if not has_texts(about):
        return {AGREEMENT.name: None}
    both = zip(_best(outputs, about), _best(golden, about), strict=True)
    return {AGREEMENT.name: float(np.mean([place == other for (_, place), (_, other) in both]))}


def _best(outputs: Arrays, about: Told) -> list[tuple[str, tuple[int, int] | None]]:
    """Of each question the best answer, and where it is; ``""`` and ``None`` for none."""
    best: list[tuple[str, tuple[int, int] | None]] = []
    for rows in questions(about):
        for start, end, _ in find(spans_of(outputs, rows, about), about)[:1] or [(0, 0, 0.0)]:
            text = written(text_of(rows, about)[start:end])
            best.append((text, (start, end) if text else None))
    return best


def exact(answered: str, right: Sequence[str]) -> bool:
    """Whether an answer is one of the right ones, but for case, punctuation, articles and spaces.

    Args:
        answered: ``""`` for none.
        right: nothing where the text has no answer.
    """
    return _plain(answered) in _wanted(right)


def f1(answered: str, right: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of words, beside the right answer that is nearest.

    Args:
        answered, right: as for ``exact``.
    """
    return max(_shared(_plain(answered).split(), text.split()) for text in _wanted(right))


def _wanted(right: Sequence[str]) -> list[str]:
    """Normalized; ``""`` where no answer is right."""
    return [text for text in map(_plain, right) if text] or [""]


def _plain(text: str) -> str:
    without = _ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION))
    return " ".join(without.split())


def _shared(answered: Sequence[str], right: Sequence[str]) -> float:
    if not answered or not right:
        return float(answered == right)
    both = sum((Counter(answered) & Counter(right)).values())
    return 2 * both / (len(answered) + len(right))
