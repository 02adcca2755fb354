"""What a config says of answers to questions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.options import StrictOptions


class QuestionAnsweringOptions(StrictOptions):
    """Where in a text an answer begins and ends, by what comes out for each token."""

    start: str = "start_logits"
    """The output that tells how likely the answer begins at each token, [n, tokens]."""
    end: str = "end_logits"
    """The output that tells how likely it ends there, [n, tokens]."""
    no_answer: bool = False
    """Whether the model was taught that some questions have none, as SQuAD 2 has them: the first
    token then stands for that."""
    threshold: float | None = None
    """An answer counts where the sum of its two logits is larger by this than that of no answer, of
    a model without ``no_answer`` than 0. Without a threshold 0 with ``no_answer``, and all answers
    count without it. SQuAD 2's ``null_score_diff_threshold`` is this with the other sign."""
    longest: Annotated[int, Field(ge=1, le=512)] = 30
    """How many tokens an answer has at most."""
    max: Annotated[int, Field(ge=1, le=100)] = 5
    """How many answers are given at most."""
    overlap: bool = False
    """Whether two of a question's answers may share characters of the text."""
    metric: Literal["exact", "f1"] = "exact"
    """What counts where samples have answers, as SQuAD defines both: ``exact``, that an answer is
    one of the true ones; ``f1``, by the words that it shares with the nearest of these."""
