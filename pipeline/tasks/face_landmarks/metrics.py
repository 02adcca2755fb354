"""What only a task with faces can measure."""

from pipeline.measures.metric import Metric
from pipeline.tasks.agreement_metric import agreement

FACE_AGREEMENT = agreement("face_agreement", "faces")

NORMALIZED_MEAN_ERROR = Metric(
    "normalized_mean_error", "normalized mean error", "truth", better="lower", unit="percent"
)

FAILURE_RATE = Metric("failure_rate", "failure rate", "truth", better="lower", unit="percent")

METRICS = (FACE_AGREEMENT, NORMALIZED_MEAN_ERROR, FAILURE_RATE)
