"""A sample's classes in a report: the source's likeliest beside the artifact's."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.base.options import NoOptions
from pipeline.measures import words
from pipeline.tasks.class_numbers import NAME
from pipeline.tasks.contract import About, Line, Shown
from pipeline.tasks.image_classification.answers import scores
from pipeline.tensors.arrays import Array, Arrays, np

#: Classes shown of each sample, of the source's highest and of the artifact's.
TOP = 3


def show(
    source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: About[NoOptions]
) -> Shown:
    """Lines of classes; where scores are probabilities, with bars."""
    expected, answered = (
        scores({k: v[None] for k, v in outputs.items()})[0] for outputs in (source, artifact)
    )
    best, answer = (np.argsort(-values, kind="stable") for values in (expected, answered))
    shown = sorted({*best[:TOP].tolist(), *answer[:TOP].tolist()}, key=best.tolist().index)
    right = None if truth is None else int(truth[NAME])
    is_share = bool(((expected >= 0) & (expected <= 1)).all() and abs(expected.sum() - 1) < 1e-2)
    names = [_label(index, about) for index in shown]
    pairs = [(float(expected[index]), float(answered[index])) for index in shown]
    return Shown(
        [
            _line(name, *pair, is_share=is_share, is_right=index == right)
            for name, pair, index in zip(names, pairs, shown, strict=True)
        ],
        "" if right is None else f"labelled {_label(right, about)}",
        bool(best[0] != answer[0]),
    )


def _line(name: str, source: float, answered: float, *, is_share: bool, is_right: bool) -> Line:
    if not is_share:
        return Line(name, words.number(source), words.number(answered), right=is_right)
    before, after = (min(max(value, 0.0), 1.0) for value in (source, answered))
    return Line(name, f"{source:.1%}", f"{answered:.1%}", before, after, is_right)


def _label(index: int, about: About[NoOptions]) -> str:
    return about.labels[index] if index < len(about.labels) else f"class {index}"
