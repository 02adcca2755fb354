"""Publishes a build that was judged, with its report."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pipeline.build.result import Built
from pipeline.manifest.parse import models

if TYPE_CHECKING:
    from pipeline.manifest.release import Manifest, ReleaseManifest
    from pipeline.publish.release.release import PublishedRelease, Writer
    from pipeline.publish.release.upload import CopyProgress, Piece
    from pipeline.publish.trust.signature import Signer
    from pipeline.report.page import Context


def publish(
    built: Built, signer: Signer | None = None, progress: CopyProgress | None = None
) -> PublishedRelease:
    """Publish what ``judge`` let pass.

    Args:
        signer: signs the release, also one that was published unsigned before.
        progress: is told how far copying is.
    """
    from pipeline.artifacts.evidence import name_compressed
    from pipeline.publish.release import release
    from pipeline.publish.trust import signing
    from pipeline.storage import open_storage

    writers: list[Writer] = [_write_bom, *([signer.sign] if signer else [])]
    report = partial(write_report, built)
    published = release.publish(
        built.manifest,
        built.open_artifact,
        built.to,
        built.channel,
        report,
        writers=writers,
        compressed=lambda artifact: built.open_evidence(name_compressed(artifact)),
        root=_other_pieces(built),
        progress=progress,
    )
    storage = open_storage(built.to)
    if signer:
        signing.ensure(storage, published.manifest, signer)
    return replace(published, signed=signing.is_signed(storage, published.manifest))


def _other_pieces(built: Built) -> list[Piece]:
    """What a release needs beside the model's own files, each once."""
    from pipeline.artifacts.evidence import name_compressed, of_detector
    from pipeline.publish.release.root import root_pieces
    from pipeline.publish.release.upload import artifact_pieces

    pieces = [*root_pieces(built.manifest, built.open_evidence)]
    for detector in models(built.manifest)[1:]:

        def opened(name: str) -> Path:
            return built.open_evidence(of_detector(name))

        # Its files lie with the model's.
        own = {**detector, "name": built.manifest["name"]}
        pieces += artifact_pieces(
            cast("Manifest", own), opened, lambda name: opened(name_compressed(name))
        )
        pieces += root_pieces(detector, opened)
    return [*{piece.path: piece for piece in reversed(pieces)}.values()]


def _write_bom(manifest: ReleaseManifest, to: Path) -> None:
    """Late: a release that is there already has its bill of materials."""
    from pipeline.publish.release import bom

    bom.write(manifest, to)


def write_report(built: Built, manifest: ReleaseManifest, to: Path) -> None:
    """Write the report's files into a folder.

    Args:
        manifest: the build's, with what publishing adds to it.
    """
    from pipeline.report.write import write

    write(manifest, report_context(built), to)


def report_context(built: Built) -> Context:
    """What the report shows besides the manifest."""
    from pipeline.artifacts.evidence import Evidence
    from pipeline.report.page import Context

    return Context(built.command, tuple(built.left_out.items()), Evidence(built.find_evidence))
