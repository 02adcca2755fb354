"""A question's answers in a report: the source's beside the artifact's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.tasks.contract import Line, Shown
from pipeline.tasks.question_answering.answers import Told, answers, has_texts
from pipeline.tasks.question_answering.score import exact
from pipeline.tasks.question_answering.truth import NAME, right_answers
from pipeline.tensors.arrays import Array, Arrays

#: The best answer, or nothing.
Found = Sequence[Mapping[str, Any]]


def show(source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: Told) -> Shown:
    """The best answer of each with a bar; without a text, where each output is largest."""
    if not has_texts(about):
        return Shown([_largest(name, source, artifact) for name in sorted(source)])
    before, after = (
        answers({name: values[None] for name, values in outputs.items()}, about)[0][:1]
        for outputs in (source, artifact)
    )
    right = None if truth is None else right_answers(truth[NAME])
    is_right = right is not None and exact(before[0]["text"] if before else "", right)
    places = [[(one["start"], one["end"]) for one in found] for found in (before, after)]
    return Shown(
        [Line("answer", _said(before), _said(after), _share(before), _share(after), is_right)],
        "" if right is None else f"answered by {' or '.join(right) or 'nothing'}",
        places[0] != places[1],
    )


def _largest(name: str, source: Arrays, artifact: Arrays) -> Line:
    before, after = (f"largest at token {outputs[name].argmax()}" for outputs in (source, artifact))
    return Line(name, before, after)


def _said(found: Found) -> str:
    return f"{found[0]['text']} ({found[0]['score']:.1%})" if found else "no answer"


def _share(found: Found) -> float | None:
    return float(found[0]["score"]) if found else None
