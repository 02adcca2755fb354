"""Whether two models put a face's points in the same places."""

from __future__ import annotations

from pipeline.tasks import landmarks
from pipeline.tasks.contract import About
from pipeline.tasks.face_landmarks.answers import decode
from pipeline.tasks.face_landmarks.metrics import FACE_AGREEMENT
from pipeline.tasks.face_landmarks.options import Options
from pipeline.tensors.arrays import Arrays


def agree(outputs: Arrays, golden: Arrays, about: About[Options]) -> dict[str, float | None]:
    """``face_agreement``: the share of the golden's points in the same place."""
    return {FACE_AGREEMENT.name: landmarks.agree(outputs, golden, about, decode)}
