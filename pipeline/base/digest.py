"""Digests: sha256, full length, each with a tag of what it is a digest of."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Tree = dict[str, tuple[str, int]]
"""A folder's content: relative POSIX path -> (sha256 of the file, its bytes)."""


def digest(tag: str, *parts: Any) -> str:
    """The sha256 of JSON-like values, so that equal values have equal digests."""
    text = json.dumps([tag, *parts], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> tuple[str, int]:
    """The sha256 and size of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def integrity(content: bytes) -> str:
    """A digest as pages pin scripts by it, and as policies name what they let run.

    W3C Subresource Integrity, section 3.1.
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def scan(root: Path) -> Tree:
    """Digest every file of a folder (or one file, under the path ``.``)."""
    if root.is_file():
        return {".": file_digest(root)}
    files = (Path(top) / name for top, _, names in os.walk(root) for name in names)
    return {path.relative_to(root).as_posix(): file_digest(path) for path in sorted(files)}


def tree_digest(tree: Mapping[str, tuple[str, int]]) -> str:
    """One digest for a whole folder: paths and contents, no times or modes."""
    return digest("tree", sorted((path, sha256) for path, (sha256, _) in tree.items()))
