"""What only a task with hands can measure."""

from pipeline.tasks.agreement_metric import agreement

HAND_AGREEMENT = agreement("hand_agreement", "hands")

METRICS = (HAND_AGREEMENT,)
