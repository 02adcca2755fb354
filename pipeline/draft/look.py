"""Looks at a model, as a plan does: what goes in and comes out, and what holds it where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.build.batch import look_into

if TYPE_CHECKING:
    from pipeline.build.progress import Progress
    from pipeline.engine.store import Store
    from pipeline.tensors.signature import Signature

#: The variant that is every format's own.
PLAIN = "fp32"

#: What pages load; layers, for those who train on, an author adds.
FORMATS = ("tfjs-graph", "onnx")

#: Where what pages use most is proved.
TARGETS = ("onnxruntime-cpu", "ort-wasm", "tfjs-wasm", "tfjs-webgl")


@dataclass(frozen=True)
class Seen:
    """What a look at a model told."""

    signature: Signature
    formats: Mapping[str, str | None]
    """Format -> why it cannot hold the model; ``None`` where it does."""
    lacking: Mapping[str, str] = field(default_factory=dict)
    """Target -> why it cannot run the model."""


def look(path: Path, store: Store, progress: Progress) -> Seen:
    """Look at the model of a config that has it in float32 alone, on ``backends: all``.

    Raises:
        PipelineError: the model cannot be had, or no format holds it.
    """
    (seen,) = (call() for call in look_into([path], (), store, progress))
    plan = seen.plan
    formats: dict[str, str | None] = {artifact.format: None for artifact in plan.artifacts}
    for name, failure in plan.failed.items():
        formats[name.split("/")[0]] = failure.reason
    for left in plan.left_out:
        formats.setdefault(left.id.split("/")[0], left.reason)
    lacking = {
        target.split("@")[0]: reason
        for reasons in seen.lacking.values()
        for target, reason in reasons.items()
    }
    return Seen(seen.signature, formats, lacking)


def first_config(name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """The config under which a model is looked at."""
    return {
        "name": name,
        "license": "unknown",
        "source": source,
        "variants": {PLAIN: {}},
        "export": {format_name: {} for format_name in FORMATS},
        "validate": {"backends": "all"},
    }
