"""What a page needs of a release: ``page.json``."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from pipeline.manifest.canary import Canary, CanaryAnswer
from pipeline.manifest.kinds import Count, Digest, Input, Moment, ReleaseId, closed
from pipeline.manifest.region import Regions
from pipeline.manifest.release import Feature


@closed()
class PageSpec(TypedDict):
    """An input or an output of the model."""

    name: str
    dtype: str
    shape: list[Count | None]
    softmax: bool


@closed()
class PageSource(TypedDict):
    """Of the source model."""

    parameters: Count


@closed()
class PageSamples(TypedDict):
    """What it was proved on."""

    description: NotRequired[str]
    """What the samples are: pages know by it whether a drawing is to look like them."""
    test: Count


@closed()
class PageAccuracy(TypedDict):
    """A task's metric."""

    value: float


@closed()
class PageSourceAccuracy(TypedDict):
    """The same of the source model, with what its metric is."""

    value: float
    words: NotRequired[str]
    unit: NotRequired[str]
    better: NotRequired[Literal["higher", "lower"]]


@closed()
class PageTwo(TypedDict):
    """Two artifacts that are used together."""

    small: str
    large: str
    threshold: float


@closed()
class PageCascade(TypedDict):
    """The best two, and those of other formats."""

    small: str
    large: str
    threshold: float
    others: NotRequired[list[PageTwo]]


@closed()
class PageRuntimeFile(TypedDict):
    """A file of a runtime."""

    name: str
    path: str
    sha256: Digest
    bytes: Count
    br_bytes: Count | None
    features: NotRequired[list[Feature]]


@closed()
class PageRuntime(TypedDict):
    """What a client runs artifacts with."""

    files: list[PageRuntimeFile]


@closed()
class PageFile(TypedDict):
    """A file of an artifact."""

    path: str
    sha256: Digest
    bytes: Count


@closed()
class PageHalf(TypedDict):
    """Whether it is safe in float16."""

    safe: bool | None


@closed()
class PageHardware(TypedDict):
    """What answered."""

    kind: Literal["cpu", "gpu", "software"]


@closed()
class PageLatency(TypedDict):
    """Times in milliseconds."""

    first_ms: float
    median_ms: float


@closed()
class PageProof(TypedDict):
    """What came of an artifact in a browser."""

    backend: str
    engine: str
    status: Literal["pass", "fail", "unavailable"]
    hardware: NotRequired[PageHardware]
    latency: NotRequired[PageLatency]


@closed()
class PageArtifact(TypedDict):
    """One variant in one format."""

    id: str
    format: str
    entry: str
    files: list[PageFile]
    bytes: Count
    br_bytes: Count | None
    dominated_by: str | None
    accuracy: PageAccuracy | None
    half_precision: PageHalf
    canary: CanaryAnswer | None
    validation: list[PageProof]


class _PageModel(TypedDict):
    schema: Literal[1]
    name: str
    task: str
    task_options: NotRequired[dict[str, Any]]
    """The task's own, as in the config."""
    release: ReleaseId
    description: str
    license: str
    source: PageSource
    inputs: list[PageSpec]
    outputs: list[PageSpec]
    input: Input
    """The kind of input that the model reads, and how it becomes tensors: as in the config."""
    preprocess: NotRequired[dict[str, Any] | None]
    """What releases of before said of images, in place of `input`."""
    labels: list[str] | None
    samples: PageSamples
    accuracy: PageSourceAccuracy | None
    canary: Canary | None
    cascade: PageCascade | None
    runtimes: dict[str, PageRuntime]
    artifacts: list[PageArtifact]


@closed()
class PageDetector(_PageModel):
    """A model that finds where another one looks."""


@closed()
class PageRegion(Regions):
    """Where in a picture the model looks, and what finds that."""

    detector: PageDetector


@closed()
class PageManifest(_PageModel):
    """What a page needs of a release's manifest, word for word: `page.json`. Whatever is named here
    is kept of it, and nothing else."""

    created: Moment
    report: NotRequired[str]
    region: NotRequired[PageRegion]
