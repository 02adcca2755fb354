"""What only answers to questions can measure."""

from pipeline.measures.metric import Limits, Metric

AGREEMENT = Metric(
    "span_agreement",
    "same answers",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits(
        "Share of questions to which the artifact and the source give the same part of the text, "
        "or both none; at least this.",
        least=0,
        most=1,
    ),
    short="agreement",
    interval="share",
)

EXACT = Metric(
    "answer_exact", "exact match", "truth", better="higher", unit="percent", interval="share"
)
F1 = Metric("answer_f1", "F1, mean over questions", "truth", better="higher", unit="percent")

METRICS = (AGREEMENT, EXACT, F1)
