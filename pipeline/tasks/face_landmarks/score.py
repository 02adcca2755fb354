"""How far a face's points are off, and whether two models put them in the same places."""

from __future__ import annotations

from pipeline.measures.score import Score
from pipeline.tasks import landmarks
from pipeline.tasks.contract import About
from pipeline.tasks.face_landmarks.answers import AT, decode
from pipeline.tasks.face_landmarks.metrics import FACE_AGREEMENT, FAILURE_RATE
from pipeline.tasks.face_landmarks.options import Options
from pipeline.tasks.part import wrong
from pipeline.tensors.arrays import Arrays, Float64s, np
from pipeline.tensors.per_sample import PerSample

#: A face whose error is larger is a failure (Sagonas et al. 2013, the 300 Faces in-the-Wild
#: Challenge), and one that is not found counts as being off by as much as the eyes are apart.
FAILURE, NOT_FOUND = 0.1, 1.0


def error(outputs: Arrays, truth: PerSample, about: About[Options]) -> Score:
    """The normalized mean error, or how often it is too large."""
    errors = errors_of(outputs, truth, about)
    if about.options.metric == FAILURE_RATE.name:
        errors = (errors > FAILURE).astype(np.float64)
    return Score(about.options.metric, len(truth), lambda rows: float(errors[rows].mean()))


def errors_of(outputs: Arrays, truth: PerSample, about: About[Options]) -> Float64s:
    """[n], how far the known points of each face are off in the mean, as a share of the distance
    between the outer corners of its eyes."""
    options = about.options
    points = [*options.annotated.values()]
    errors = []
    for sample, found in enumerate(landmarks.find(outputs, about, decode)):
        wanted = truth.of("points", sample)
        if not len(found.scores):
            errors.append(NOT_FOUND)
            continue
        if max(points) >= found.points.shape[1]:
            raise wrong(f"the mesh has {found.points.shape[1]} points", AT + "annotated")
        apart = np.linalg.norm(found.points[0, points, :2] - wanted[:, :2], axis=-1)
        eyes = np.linalg.norm(np.subtract(*wanted[options.eyes, :2]))
        errors.append(float(apart[wanted[:, 2] > 0].mean() / eyes))
    return np.array(errors)


def agree(outputs: Arrays, golden: Arrays, about: About[Options]) -> dict[str, float | None]:
    """``face_agreement``: the share of the golden's points in the same place."""
    return {FACE_AGREEMENT.name: landmarks.agree(outputs, golden, about, decode)}
