"""What a release needs beside its model's folder: its runtimes, the client and the demo page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.digest import scan, tree_digest
from pipeline.publish.release.upload import Piece, file_pieces
from pipeline.storage.layout import CLIENT, DEMO, LICENCE_FILE, LICENCES, RUNTIMES, runtime_node

if TYPE_CHECKING:
    from pipeline.manifest.release import Manifest

#: Digits of the digest that the folder of the client that never changes is named by.
DIGITS = 16


def root_pieces(manifest: Manifest, opened: Callable[[str], Path]) -> Iterator[Piece]:
    """The files of a CDN folder's root.

    Args:
        opened: gives the folder of a piece of a build's evidence; asked for runtimes only where
            something of them is missing.
    """
    runtimes = manifest["runtimes"]
    if not runtimes:
        return
    folder = cache(opened)
    for name, runtime in runtimes.items():
        for file in runtime["files"]:
            node = runtime_node(name, asset=file["path"] != runtime["entry"])
            opener = partial(folder, node)
            path = file["path"].removeprefix(f"{RUNTIMES}/")
            yield from file_pieces(file, file["path"], path, opener, opener)
    licences = folder(LICENCES) / LICENCE_FILE
    yield _piece(LICENCE_FILE, licences)
    others = _client(folder(CLIENT)) | _demo(folder(DEMO))
    for path, local in others.items():
        yield _piece(path, local)


def _client(folder: Path) -> dict[str, Path]:
    """Path below the CDN folder -> file: once under a digest for ever, once as the newest."""
    tree = scan(folder)
    digest = tree_digest(tree)[:DIGITS]
    places = (f"{digest}/", "")
    return {f"{CLIENT}/{place}{path}": folder / path for place in places for path in tree}


def _demo(folder: Path) -> dict[str, Path]:
    """Path below the CDN folder -> file."""
    return {path: folder / path for path in scan(folder)}


def _piece(path: str, file: Path) -> Piece:
    return Piece(path, lambda: file, file.stat().st_size)
