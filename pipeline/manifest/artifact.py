"""One variant in one format."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from pipeline.manifest.canary import CanaryAnswer
from pipeline.manifest.kinds import Count, Digest, NotNegative, Says, Share
from pipeline.manifest.proof import LowestAccuracy, Parity, Validation
from pipeline.manifest.weights import Weights
from pipeline.storage.layout import FILES


class File(TypedDict):
    """A file of an artifact, by its digest."""

    path: Annotated[str, Says({"pattern": rf"^{FILES}/[0-9a-f]{{64}}\.(json|bin|onnx)$"})]
    sha256: Digest
    bytes: Count
    br_bytes: Count | None
    """Of the file with .br after its name; null where it would not help, or was not made."""
    gz_bytes: Count | None
    """The same with .gz."""


class Hazard(TypedDict):
    """A node whose values float16 cannot hold."""

    node: str
    op: str
    max_abs: NotNegative
    overflow_share: Share
    """Of values that are not zero."""
    flush_share: Share
    """Of values that are not zero."""


class HalfPrecision(TypedDict):
    """Whether it is safe on a GPU that keeps tensors in float16, as those of phones do."""

    safe: bool | None
    """True only where it ran in float16 and kept float16's bounds; null where nobody knows."""
    reason: str
    hazards: Annotated[list[Hazard], Says({"maxItems": 8})]
    """Nodes of the model in float32 whose values float16 cannot hold: those that overflow, then
    those that become zero."""
    target: str | None
    """Where it ran in float16."""
    parity: Parity | None
    """Of the artifact in float16 textures against itself in float32 ones, on the first samples."""


class Portability(TypedDict):
    """Whether integer products give the same sums on every processor: some add two of them in 16
    bits."""

    portable: bool
    """False only where the config lets it pass."""
    products: Count
    """How many nodes may be computed in integers."""
    node: str | None
    """The one with the largest sum."""
    operator: str | None
    worst_sum: Count | None
    """The largest magnitude of two products of one output channel, with any activations; at most
    32767 where it is portable, and 0 where kernels add in 32 bits."""


class Artifact(TypedDict):
    """One variant in one format, and what was proved of it."""

    id: str
    format: str
    """tfjs-graph, tfjs-layers or onnx"""
    variant: str
    entry: Annotated[str, Says({"pattern": rf"^{FILES}/[0-9a-f]{{64}}\.(json|onnx)$"})]
    """What to load, from the model's folder."""
    files: list[File]
    bytes: Count
    br_bytes: Count | None
    """Compressed with brotli, quality 11; null where that was not measured."""
    gz_bytes: Count | None
    weights: NotRequired[Weights]
    """How they are stored, and which stayed float32; absent where all are float32."""
    retrained: NotRequired[bool]
    """Whether a technique changed the model itself (distill, qat, prune, ...): its outputs are
    another network's, and only what it gets right can be compared."""
    dominated_by: str | None
    """The artifact of this format that is no larger, no slower and no worse."""
    dominated_reason: str | None
    accuracy: LowestAccuracy | None
    """On the backend where it is lowest; baseline is the source model's."""
    half_precision: HalfPrecision
    portability: Portability
    validation: Annotated[list[Validation], Says({"minItems": 1})]
    canary: CanaryAnswer | None
    canary_reason: str | None
    """Why there is none for this artifact, though the release has one."""
