"""What only a task with classes can measure."""

from pipeline.measures.metric import Limits, Metric

TOP1_AGREEMENT = Metric(
    "top1_agreement",
    "same top class",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits(
        "Share of samples whose largest output is the golden's; at least this. Missed where all of "
        "its confidence interval is below, or the share by more than a point; see strict.",
        least=0,
        most=1,
    ),
    short="agreement",
    interval="share",
)

TOP5_AGREEMENT = Metric(
    "top5_agreement",
    "same top 5 classes",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits(
        "Share of samples whose golden class is among the five largest outputs; at least this. "
        "Only where there are six classes or more.",
        least=0,
        most=1,
    ),
    interval="share",
)

TOP1_ACCURACY = Metric(
    "top1_accuracy", "accuracy", "truth", better="higher", unit="percent", interval="share"
)

METRICS = (TOP1_AGREEMENT, TOP5_AGREEMENT, TOP1_ACCURACY)
