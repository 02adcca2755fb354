"""Small releases to publish, and a reader's view of what is published."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import brotli

from pipeline.publish.release.upload import Piece
from pipeline.storage import open_readable


def artifact(folder: Path, *contents: bytes, twins: bool = False) -> dict[str, Any]:
    """An ARTIFACT folder with these files, and its manifest entry.

    Args:
        twins: whether compressed files lie beside them, as ``publish(compressed=…)`` is given.
    """
    files = []
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for content in contents:
        sha256 = hashlib.sha256(content).hexdigest()
        path = f"files/{sha256}.bin"
        (folder / path).write_bytes(content)
        file: dict[str, Any] = {"path": path, "sha256": sha256, "bytes": len(content)}
        if twins:
            made = {".br": brotli.compress(content), ".gz": gzip.compress(content)}
            for suffix, data in made.items():
                (folder / (path + suffix)).write_bytes(data)
                file[f"{suffix[1:]}_bytes"] = len(data)
        files.append(file)
    return {"id": "onnx/fp32", "entry": files[0]["path"], "files": files}


def at(folder: Path) -> Callable[[str], Path]:
    return lambda name: folder


def manifest(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema": 1, "name": "m", "task": "tensors", "artifacts": [entry], **more}


def pieces(files: Mapping[str, Path]) -> list[Piece]:
    """Files of a CDN folder's root: path -> local file."""
    return [Piece(path, partial(Path, file), file.stat().st_size) for path, file in files.items()]


def check(to: str | Path, channel: str = "latest", name: str = "m") -> str:
    """A reader's view: follow the channel and hash everything; return the release."""
    storage = open_readable(to)

    def get(path: str) -> bytes:
        content = storage.read(path)
        assert content is not None, path
        return content.data

    pointer = json.loads(get(f"{name}/{channel}.json"))
    raw = get(f"{name}/{pointer['manifest']}")
    assert hashlib.sha256(raw).hexdigest() == pointer["sha256"]
    described = json.loads(raw)
    assert described["release"] == pointer["release"]
    for file in described["artifacts"][0]["files"]:
        assert hashlib.sha256(get(f"{name}/{file['path']}")).hexdigest() == file["sha256"]
    return str(pointer["release"])
