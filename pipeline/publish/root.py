"""What a release needs beside its model's folder: its runtimes, the client and the demo page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.publish import client, demo, runtime
from pipeline.publish.upload import Piece, suffixes


def root_pieces(manifest: Mapping[str, Any], opened: Callable[[str], Path]) -> Iterator[Piece]:
    """The files of a CDN folder's root.

    Args:
        opened: gives the folder of a piece of a build's evidence; asked for runtimes only where
            something of them is missing.
    """
    runtimes = manifest.get("runtimes", {})
    if not runtimes:
        return
    folder = cache(opened)
    for name, one in runtimes.items():
        for file in one["files"]:
            bundle = file["path"] == one["entry"]
            yield from _twinned(file, folder, runtime.node(name, asset=not bundle))
    licences = folder(runtime.LICENCES) / runtime.LICENCE_FILE
    yield _piece(runtime.LICENCE_FILE, licences)
    others = client.published(folder(client.NODE)) | demo.published(folder(demo.NODE))
    for path, found in others.items():
        yield _piece(path, found)


def _twinned(file: Mapping[str, Any], folder: Callable[[str], Path], node: str) -> Iterator[Piece]:
    """A runtime's file, and its compressed twins."""
    path = file["path"]
    yield Piece(path, _below(folder, node, path), file["bytes"], file["sha256"])
    for suffix in suffixes(file):
        yield Piece(path + suffix, _below(folder, node, path + suffix))


def _below(folder: Callable[[str], Path], node: str, path: str) -> Callable[[], Path]:
    return lambda: folder(node) / path.removeprefix(f"{runtime.FOLDER}/")


def _piece(path: str, file: Path) -> Piece:
    return Piece(path, lambda: file, file.stat().st_size)
