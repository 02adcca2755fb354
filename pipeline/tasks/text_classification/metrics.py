"""What only labels of texts can measure."""

from pipeline.measures.metric import Limits, Metric

AGREEMENT = Metric(
    "label_agreement",
    "same labels",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits(
        "Share of texts that get the labels that the golden's get; at least this.", least=0, most=1
    ),
    short="agreement",
    interval="share",
)

ACCURACY = Metric(
    "label_accuracy", "accuracy", "truth", better="higher", unit="percent", interval="share"
)
F1 = Metric("label_f1", "F1, mean over labels", "truth", better="higher", unit="percent")
ROC_AUC = Metric(
    "label_roc_auc", "area under ROC, mean over labels", "truth", better="higher", unit="percent"
)

METRICS = (AGREEMENT, ACCURACY, F1, ROC_AUC)
