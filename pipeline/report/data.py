"""A release's report for machines: what the page says, without what the manifest has already."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipeline.report.artifact import Artifact
from pipeline.report.release import Release
from pipeline.report.summary import summarize

SCHEMA = 1


def data(release: Release) -> dict[str, Any]:
    """The verdict, what to ship, and each artifact's status on each target."""
    return {
        "schema": SCHEMA,
        "name": release.name,
        "release": release.id,
        "verdict": asdict(summarize(release)),
        "searches": release.record.get("searches", []),
        "cascade": release.record.get("cascade"),
        "metric": release.accuracy["metric"] if release.accuracy else None,
        "artifacts": [_artifact(artifact) for artifact in release.artifacts],
    }


def _artifact(artifact: Artifact) -> dict[str, Any]:
    accuracy = artifact.accuracy
    return {
        "id": artifact.id,
        "status": artifact.status,
        "wire_bytes": artifact.wire_bytes,
        "accuracy": accuracy["value"] if accuracy else None,
        "max_abs_error": artifact.worst_of("max_abs_error"),
        "snr_db": artifact.snr_db,
        "dominated_by": artifact.dominated_by,
        "half_precision_safe": artifact.half_safe,
        "portable": artifact.portable,
        "targets": {
            proof.target: {
                "status": proof.status,
                "reason": proof.reason or None,
                "median_ms": proof.median_ms,
                "ratio": proof.ratio.value if proof.ratio else None,
                "software": proof.software,
            }
            for proof in artifact.proofs
        },
    }
