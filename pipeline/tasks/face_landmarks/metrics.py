"""What only a task with faces can measure."""

from pipeline.tasks.agreement_metric import agreement

FACE_AGREEMENT = agreement("face_agreement", "faces")

METRICS = (FACE_AGREEMENT,)
