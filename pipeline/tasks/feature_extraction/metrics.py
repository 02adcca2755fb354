"""What only a task with embeddings can measure."""

from pipeline.measures.metric import Limits, Metric

NEIGHBOUR_AGREEMENT = Metric(
    "neighbour_agreement",
    "same nearest neighbours",
    "answers",
    better="higher",
    unit="percent",
    gate=Limits(
        "Share of each sample's ten nearest other samples, by cosine, that are among the source's "
        "ten nearest too, or no farther by more than 0.001, in the mean of all samples; at least "
        "this. Of fewer than 21 samples half of the others are the nearest.",
        least=0,
        most=1,
    ),
    short="agreement",
    interval="share",
)

LEAST_COSINE = Metric(
    "least_cosine",
    "least likeness",
    "answers",
    better="higher",
    gate=Limits(
        "Cosine of the angle between a sample's embedding and the source's, of the sample where it "
        "is least; at least this.",
        least=-1,
        most=1,
    ),
)

NEIGHBOUR_ACCURACY = Metric(
    "neighbour_accuracy",
    "nearest of the same class",
    "truth",
    better="higher",
    unit="percent",
    interval="share",
)

METRICS = (NEIGHBOUR_AGREEMENT, LEAST_COSINE, NEIGHBOUR_ACCURACY)
