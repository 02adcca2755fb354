"""What a model's task says of its outputs: whether they agree, are right, and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.measures.score import Score
from pipeline.tasks.contract import About, Task
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Arrays, np
from pipeline.tensors.per_sample import ORIGINS, PerSample
from pipeline.validate.confidence import Confidence


@dataclass(frozen=True)
class Answers:
    """The task of a model, and what is right of its golden's samples, or of the first of them."""

    task: Task[Any]
    about: About[Any]
    truth: PerSample | None = None

    @classmethod
    def of(
        cls, purpose: Purpose, softmax: Mapping[str, bool], folder: Path | None = None
    ) -> Answers:
        """Of a task's options, and a folder with truth and origins of the samples, if any."""
        origins = PerSample.read(folder, ORIGINS) if folder else None
        about = purpose.about(softmax=softmax, origins=origins)
        return cls(purpose.task, about, PerSample.read(folder) if folder else None)

    def first(self, count: int) -> Answers:
        """Of so many samples, the first."""
        rows, origins = np.arange(count), self.about.origins
        return Answers(
            self.task,
            replace(self.about, origins=origins.rows(rows) if origins else None),
            self.truth.rows(rows) if self.truth else None,
        )

    def agreement(self, outputs: Arrays, golden: Arrays) -> dict[str, float | None]:
        """Value by metric; the one that sums the others up first. Empty where answers mean nothing
        to the task."""
        return dict(self.task.agree(outputs, golden, self.about)) if self.task.agree else {}

    def accuracy(self, outputs: Arrays, source: Arrays | None = None) -> dict[str, Any] | None:
        """How right outputs are; ``None`` without truth, or where the task cannot tell.

        Args:
            source: the source model's outputs on the same samples; ``None`` where it is the source
                that is measured.

        Returns:
            ``Score.measured``, with ``chance`` of the source where there is one; of an artifact
            with ``Score.compared``.
        """
        if (score := self._score(outputs)) is None:
            return None
        before = None if source is None else self._score(source)
        if before is not None:
            return score.measured() | score.compared(before)
        return score.measured() | ({} if score.chance is None else {"chance": score.chance})

    def _score(self, outputs: Arrays) -> Score | None:
        if self.task.score is None or self.truth is None:
            return None
        return self.task.score(outputs, self.truth, self.about)

    def confidence(self, outputs: Arrays, golden: Arrays) -> Confidence | None:
        """How sure outputs are of each sample, and whether they are right: by the truth, or by
        what the source says; ``None`` where they do not tell.
        """
        if self.task.sure is None:
            return None
        sure, expected = (self.task.sure(arrays, self.about) for arrays in (outputs, golden))
        if sure is None or expected is None:
            return None
        score = self._score(outputs)
        if score is not None and score.right is not None:
            right, metric = score.right, score.metric
        else:
            right = sure.answers == expected.answers
            metric = next(iter(self.agreement(outputs, golden)), "agreement")
        return Confidence(sure.answers, sure.confidence, right, metric)
