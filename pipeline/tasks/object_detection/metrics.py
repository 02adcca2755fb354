"""What only a task with boxes can measure."""

from pipeline.measures.metric import Limits, Metric

BOX_AGREEMENT = Metric(
    "box_agreement",
    "same boxes",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits(
        "Share of the boxes that the artifact and the source both find, of one class and with an "
        "overlap of 0.9, in the mean of all samples; at least this. Boxes whose score is within "
        "0.05 of the threshold may be there or not.",
        least=0,
        most=1,
    ),
    short="agreement",
    interval="share",
)

AVERAGE_PRECISION = Metric(
    "average_precision", "average precision", "truth", better="higher", unit="percent"
)

AVERAGE_PRECISION_50 = Metric(
    "average_precision_50", "average precision at 0.5", "truth", better="higher", unit="percent"
)

METRICS = (BOX_AGREEMENT, AVERAGE_PRECISION, AVERAGE_PRECISION_50)
