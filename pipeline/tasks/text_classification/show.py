"""A text's labels in a report: the source's likeliest beside the artifact's."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.tasks.contract import Line, Shown
from pipeline.tasks.text_classification.answers import Told, decided, label_names, probabilities
from pipeline.tasks.text_classification.truth import NAME
from pipeline.tensors.arrays import Array, Arrays, np

#: Labels shown of each text, of the source's likeliest and of the artifact's.
TOP = 3


def show(source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: Told) -> Shown:
    """Lines of labels with bars."""
    both = [{name: v[None] for name, v in outputs.items()} for outputs in (source, artifact)]
    expected, answered = (probabilities(outputs, about)[0] for outputs in both)
    names = label_names(both[0], about)
    right = set() if truth is None else {*truth[NAME].tolist()}
    best, answer = (np.argsort(-shares, kind="stable") for shares in (expected, answered))
    shown = {*best[:TOP].tolist(), *answer[:TOP].tolist(), *right}
    before, after = (decided(outputs, about)[0] for outputs in both)
    listed = ", ".join(names[index] for index in sorted(right)) or "none"
    return Shown(
        [
            _line(names[index], float(expected[index]), float(answered[index]), index in right)
            for index in sorted(shown, key=best.tolist().index)
        ],
        "" if truth is None else f"labelled {listed}",
        bool((before != after).any()),
        heading="Label",
    )


def _line(name: str, source: float, answered: float, is_right: bool) -> Line:
    before, after = (min(max(share, 0.0), 1.0) for share in (source, answered))
    return Line(name, f"{source:.1%}", f"{answered:.1%}", before, after, is_right)
