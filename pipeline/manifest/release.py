"""A whole release: ``manifest.json``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from pipeline.manifest.artifact import Artifact
from pipeline.manifest.canary import Canary
from pipeline.manifest.cascade import Cascade
from pipeline.manifest.kinds import (
    Count,
    Digest,
    Input,
    Moment,
    NotNegative,
    ReleaseId,
    Says,
    Some,
    closed,
)
from pipeline.manifest.proof import SourceAccuracy
from pipeline.manifest.region import Regions
from pipeline.storage.layout import RELEASE, REPORT, RUNTIMES, release_path

_REPORT = f"^{release_path(RELEASE, re.escape(REPORT))}$"

Feature = Literal["simd", "threads"]


class Spec(TypedDict):
    """An input or an output of the model."""

    name: str
    dtype: str
    shape: list[Count | None]
    softmax: bool
    renamed_from: NotRequired[str]
    """Its name in the source, where that is no name in every format."""
    converted_from: NotRequired[str]
    """Its dtype in the source, where no format has that."""


class Source(TypedDict):
    """Where the model comes from: its kind, and that kind's options."""

    kind: str
    sha256: Digest
    parameters: Count
    converted_from: NotRequired[list[str]]
    """The float dtypes in which it computes, and its artifacts in float32."""
    reference: NotRequired[str]
    """The runtime whose outputs artifacts are compared with; TensorFlow without it."""
    renamed_layers: NotRequired[dict[str, str]]
    """Layer's name -> its name in the artifacts, where TensorFlow does not take the first."""
    facts: NotRequired[dict[str, Any]]
    """What the model's author says of it."""
    accuracy: NotRequired[float]
    """What the config says that the task's metric should be."""
    outputs: NotRequired[list[str] | dict[str, str]]
    """Where it was cut: by these tensors, nodes or layers."""
    inputs: NotRequired[dict[str, Any]]
    """Values of its inputs that were folded in."""


class Samples(TypedDict):
    """What it was proved on."""

    description: str
    license: str
    labelled: bool
    test: Count


@closed()
class RuntimeFile(TypedDict):
    """A file of a runtime, by its digest."""

    name: str
    """What open() calls it among its assets."""
    path: Annotated[str, Says({"pattern": rf"^{RUNTIMES}/[0-9a-f]{{64}}\.(js|wasm)$"})]
    sha256: Digest
    bytes: Count
    br_bytes: Count | None
    gz_bytes: Count | None
    features: NotRequired[list[Feature]]
    """What a browser has to have for it. Of the files with features, one is needed: that which asks
    for most of what there is. Those that ask for more come later."""


@closed()
class Runtime(TypedDict):
    """What a client runs artifacts with."""

    entry: Annotated[str, Says({"pattern": rf"^{RUNTIMES}/[0-9a-f]{{64}}\.js$"})]
    """Path of the ES module that exports open(); see pipeline/client/runtimes/contract.js. A task's
    exports inputOf() and answer()."""
    version: str
    """Of TF.js, ONNX Runtime Web or the client."""
    files: Annotated[list[RuntimeFile], Says({"minItems": 1})]


@closed()
class Candidate(TypedDict):
    """One that a search tried."""

    value: float
    """Bytes, or the time as a ratio to float32's."""
    quality: float | None
    recipe: dict[str, Any]


@closed()
class FoundBySearch(TypedDict):
    """How a variant was found."""

    variant: str
    minimize: Literal["wire_bytes", "bytes", "latency"]
    on: list[str]
    """Where candidates were measured."""
    keep: dict[str, float | bool]
    """Metric -> the bound that candidates had to keep."""
    tried: Some
    """How many candidates."""
    seconds: NotNegative
    metric: str
    """What quality is, measured on samples held back from calibration."""
    recipe: dict[str, Any] | None
    """The techniques that were found, as a config's variant."""
    front: list[Candidate]
    """Candidates of which none is both smaller (or faster) and better."""


@closed()
class NotMade(TypedDict):
    """An artifact that the config asks for and that could not be made or proved."""

    id: str
    step: str
    """The step that failed."""
    reason: str
    todo: str
    """What to do next."""


class Dropped(TypedDict):
    """An artifact that another one replaces, left out of the release."""

    id: str
    dominated_by: str
    dominated_reason: str


class _Head(TypedDict):
    schema: Literal[1]
    name: str
    task: str
    task_options: NotRequired[dict[str, Any]]
    """The task's own, as in the config: its code in a page does with them what Python does."""


class _Released(TypedDict):
    release: ReleaseId
    created: Moment
    report: NotRequired[Annotated[str, Says({"pattern": _REPORT})]]
    """The report for people, from the model's folder."""


class _Content(TypedDict):
    description: str
    license: str
    source: Source
    inputs: list[Spec]
    outputs: Annotated[list[Spec], Says({"minItems": 1})]
    input: Input
    """The kind of input that the model reads, and how it becomes tensors: as in the config."""
    preprocess: NotRequired[dict[str, Any] | None]
    """What releases of before said of images, in place of `input`."""
    labels: list[str] | None
    samples: Samples
    accuracy: SourceAccuracy | None
    """Of the source model, on the test samples."""
    doubt: NotRequired[str | None]
    """Why the source model itself is not to be trusted; null in what was published."""
    tools: dict[str, str]
    canary: Canary | None
    """A tiny golden for a client to run once after loading; each artifact has its own answer. Null
    where none would tell a broken model."""
    canary_reason: str | None
    """Why there is no canary."""
    cascade: Cascade | None
    """Two artifacts of one format to be used together: the small one answers, and the large one is
    asked where that is unsure. Null where nothing is gained."""
    cascade_reason: str | None
    """Why there is no cascade."""
    runtimes: Annotated[
        dict[str, Runtime], Says({"propertyNames": {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}})
    ]
    """What a client runs artifacts with, by backend; with -layers behind it, by backend for layers
    models; and by the task's name what makes inputs of a page's values and answers of outputs. Of
    backends that an artifact of this release passed on; empty in a build that publishes nothing.
    Paths are below the CDN folder, one folder above the model's."""
    artifacts: Annotated[list[Artifact], Says({"minItems": 1})]
    searches: NotRequired[list[FoundBySearch]]
    """How variants were found, where a search found them."""
    not_made: NotRequired[list[NotMade]]
    """Artifacts that the config asks for and that could not be made or proved; absent where there
    are none."""
    dropped: list[Dropped]
    """Artifacts that another one replaces, left out of the release."""


@closed()
class Detector(_Head, _Content):
    """A model that finds where another one looks: a manifest of its own, whose files lie with those
    of the model."""

    release: ReleaseId
    """The digest of what it says, and so the release of its own that says the same."""


@closed()
class Region(Regions):
    """Where in a picture the model looks, and what finds that."""

    detector: Detector


class Manifest(_Head, _Content):
    """What a build made, what was measured, and what passed; not yet published."""

    region: NotRequired[Region]
    """Of a model that reads one thing close up: what finds where, as pages need it."""


@closed()
class ReleaseManifest(_Released, Manifest):
    """What a release holds, what was measured, and what passed."""
