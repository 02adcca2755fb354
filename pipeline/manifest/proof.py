"""What was measured of an artifact on a target."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from pipeline.manifest.kinds import (
    Cosine,
    Count,
    Decibel,
    NotNegative,
    Positive,
    Says,
    Share,
    Some,
)


class Difference(TypedDict):
    """How far one output is from the golden."""

    max_abs_error: float
    mean_abs_error: float
    relative_error: float
    elementwise_relative_error: NotNegative
    snr_db: Decibel
    share_over_0_01: Share
    share_over_0_1: Share
    cosine: Cosine
    nonfinite: Count


class OutputDifference(Difference):
    """The same, and on the logits where it is a softmax; of the worst sample where outputs have one
    shape; and in what share of samples the shape is another one, where that depends on them."""

    logits_max_abs_error: NotRequired[float]
    worst_sample_error: NotRequired[NotNegative]
    other_shapes: NotRequired[Share]


class Parity(Difference):
    """Differences from the golden: the worst over all outputs, and each output's; and whether the
    task's answers are the golden's."""

    logits_max_abs_error: float | None
    worst_sample_error: NotRequired[NotNegative | None]
    """null where all outputs are whole numbers, or of shapes that depend on the sample."""
    other_shapes: NotRequired[Share | None]
    """null where no output's shape depends on the sample."""
    outputs: dict[str, OutputDifference]


class Accuracy(TypedDict):
    """A task's metric in its own unit, and its 95 % interval: Wilson's of a share, else a
    bootstrap's."""

    metric: str
    value: float
    samples: Some
    low: float
    high: float
    lost: NotRequired[Count]
    """Samples that only the source model gets right; where samples are right or wrong."""
    gained: NotRequired[Count]
    """Samples that only the artifact gets right."""
    less: NotRequired[Annotated[list[float], Says({"minItems": 2, "maxItems": 2})]]
    """The 95 % interval of how much worse it is than the source's, where samples are not right or
    wrong."""
    chance: NotRequired[Share]
    """Of the source model: what one answer to all samples gets right."""


class SourceAccuracy(Accuracy):
    """Of the source model, with what its metric is."""

    words: NotRequired[str]
    """What people call it."""
    unit: NotRequired[str]
    """percent for a share from 0 to 1; number for none; else what stands behind the value."""
    better: NotRequired[Literal["higher", "lower"]]


class LowestAccuracy(Accuracy):
    """On the backend where it is lowest; baseline is the source model's."""

    baseline: float


class Hardware(TypedDict):
    """What answered."""

    kind: Literal["cpu", "gpu", "software"]
    name: str
    details: dict[str, Any]


class LatencyRatio(TypedDict):
    """Of its time to the time of the float32 artifact of its format, timed in turn; under 1 is
    faster. low and high are the bounds of the confidence interval."""

    value: Positive
    low: Positive
    high: Positive
    confidence: float
    pairs: Count
    reference: str
    reference_ms: NotRequired[NotNegative]
    """The reference's median in the same session: times of two sessions must not be compared."""


class Memory(TypedDict):
    """Of the page or process."""

    tensors: Count | None
    tensor_bytes: Count | None
    process_bytes: Count | None


class Latency(TypedDict):
    """Times in milliseconds."""

    load_ms: float
    first_ms: float
    median_ms: float
    p90_ms: float
    p99_ms: float
    repeats: Count
    ratio: LatencyRatio | None
    """To the time of the float32 artifact of its format; null where there is no such artifact."""
    fetched_bytes: Count | None
    memory: Memory


class Missed(TypedDict):
    """A bound that was not kept."""

    artifact: str
    backend: str
    metric: str
    value: float | None
    bound: float


class UndecidedShare(TypedDict):
    """A share beyond its bound by no more than so many samples can tell, which passes."""

    metric: str
    value: float
    bound: float
    low: float
    """Of the 95 % interval: paired with the source's answers for accuracy_drop."""
    high: float
    samples: Some
    needed: Some | None
    """How many samples would decide, if the share stays; null for more than ten million."""


class WorstSample(TypedDict):
    """A sample that is far from the golden."""

    sample: Count
    error: NotNegative


class NotApplied(TypedDict):
    """A gate that says nothing here, which is no pass."""

    metric: str
    reason: str


class Chained(TypedDict):
    """A detector and the model behind it, in pictures."""

    detector: str
    """The detector's artifact."""
    pictures: Some
    things: Count
    """Those that both the page and the source models found, twice a picture: where the detector
    looks, and where the first answer says to look."""
    furthest: NotNegative
    """How far the furthest point is from where the source models have it, as a share of the side of
    the square that was looked at."""
    first_ms: NotRequired[NotNegative]
    """Median time of detector and model together, in pictures where something is found."""
    next_ms: NotRequired[NotNegative]
    """The same where the detector rests."""


class Tried(TypedDict):
    """Where an artifact was to run."""

    target: str
    """The backend, with its engine: tfjs-webgl@firefox."""
    backend: str
    engine: str | None
    required: bool
    """Whether the config names it: nothing is published without."""


class Measured(Tried):
    """A proof that ran."""

    status: Literal["pass", "fail"]
    reason: None
    hardware: Hardware
    samples: Some
    """How many of the golden's samples it ran on, the first ones: all, unless a software rasterizer
    stood in for a GPU and the config did not name the target."""
    partial: bool
    """Whether these are not all of the golden's samples; accuracy is not measured then."""
    single_samples: NotRequired[str | None]
    """Why samples ran one at a time, as pages run them: a batch of them failed. Null where batches
    ran."""
    parity: Parity
    accuracy: Accuracy | None
    latency: Latency
    missed: list[Missed]
    undecided: NotRequired[list[UndecidedShare]]
    """Shares of samples beyond their bound by no more than so many samples can tell, which
    passes."""
    worst: NotRequired[list[WorstSample]]
    """The samples furthest from the golden, the worst first."""
    chain: NotRequired[Chained]
    """Of a model that a detector goes before."""
    gates: dict[str, float]
    """The bounds that it was held to here."""
    not_applied: list[NotApplied]
    """Gates that say nothing here, which is no pass."""


class Unavailable(Tried):
    """A proof that could not run."""

    status: Literal["unavailable"]
    reason: str


class Broken(Tried):
    """A proof that came to nothing: nothing is published with one."""

    status: Literal["fail"]
    reason: str
    todo: str
    """What to do next."""


Validation = Measured | Unavailable
