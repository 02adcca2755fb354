"""What only a task with poses can measure."""

from pipeline.measures.metric import Limits, Metric

KEYPOINT_AGREEMENT = Metric(
    "keypoint_agreement",
    "same keypoints",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits(
        "Share of the keypoints that the source is sure of (0.5 or more) which the artifact has in "
        "the same place, within the task's tolerance (1 % of the picture's longer side), in the "
        "mean of all samples; at least this. Poses whose score is within 0.05 of the threshold may "
        "be there or not.",
        least=0,
        most=1,
    ),
    short="agreement",
    interval="share",
)

KEYPOINT_AVERAGE_PRECISION = Metric(
    "keypoint_average_precision",
    "keypoints' average precision",
    "truth",
    better="higher",
    unit="percent",
)

CORRECT_KEYPOINTS = Metric(
    "correct_keypoints", "correct keypoints", "truth", better="higher", unit="percent"
)

METRICS = (KEYPOINT_AGREEMENT, KEYPOINT_AVERAGE_PRECISION, CORRECT_KEYPOINTS)
