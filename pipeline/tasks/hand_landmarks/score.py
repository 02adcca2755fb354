"""Whether two models put a hand's points in the same places."""

from __future__ import annotations

from pipeline.tasks import landmarks
from pipeline.tasks.contract import About
from pipeline.tasks.hand_landmarks.answers import decode
from pipeline.tasks.hand_landmarks.metrics import HAND_AGREEMENT
from pipeline.tasks.hand_landmarks.options import Options
from pipeline.tensors.arrays import Arrays


def agree(outputs: Arrays, golden: Arrays, about: About[Options]) -> dict[str, float | None]:
    """``hand_agreement``: the share of the golden's points in the same place."""
    return {HAND_AGREEMENT.name: landmarks.agree(outputs, golden, about, decode)}
