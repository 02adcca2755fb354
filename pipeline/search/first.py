"""What float32, which is always tried first, tells of the trials to come."""

from __future__ import annotations

from pipeline.artifacts.proof import Proof
from pipeline.base.errors import ConfigError
from pipeline.search.outcome import Trial
from pipeline.search.trial import Job, MeasuredTrial

#: An epoch of training, in inferences of its samples: there and back, the optimizer's step, and
#: what a framework that trains is slower at than one that only infers.
EPOCH_PASSES = 10


def check_measured(job: Job, first: Trial) -> None:
    """Refuse bounds that float32 shows to be never measured: every candidate would miss them."""
    missing = sorted({miss.metric for miss in first.misses() if miss.value is None})
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} cannot be measured in {', '.join(job.formats)} on "
            f"{', '.join(job.targets)}, so no candidate could keep it",
            where=f"variants.{job.variant}.search",
            todo="leave it out of keep and validate.gates; accuracy_drop needs labelled samples",
        )


def epoch_seconds(job: Job, base: MeasuredTrial) -> float:
    """Seconds that an epoch of training may take, by how long float32 infers one sample."""
    share = job.search.hold_back
    trained = base.golden()["count"] * (1 - share) / share
    times: list[float] = [
        result["latency"]["median_ms"] / 1000
        for node in base.planned.proofs.values()
        if (result := base.file(node, Proof.FILE))["status"] == "measured"
    ]
    seconds: float = EPOCH_PASSES * trained * min(times, default=0.0)
    return seconds
