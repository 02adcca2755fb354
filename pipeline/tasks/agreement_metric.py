"""The metric of points that agree: it needs nothing of a task."""

from pipeline.measures.metric import Limits, Metric


def agreement(name: str, things: str) -> Metric:
    """Of a task with points.

    Args:
        name: of the metric.
        things: that the points are of, in the plural.
    """
    return Metric(
        name,
        "same points",
        "answers",
        better="higher",
        unit="percent",
        gate=Limits(
            f"Share of the points of {things} that the artifact has where the source has them, "
            "within the task's tolerance (1 % of the picture's longer side), in the mean of all "
            "samples; at least this. What has a score within 0.05 of the threshold may be there or "
            "not.",
            least=0,
            most=1,
        ),
        short="agreement",
        interval="share",
    )
