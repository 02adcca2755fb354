"""What may go wrong with an artifact's weights, and what its canary says of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.validate.canary import decode, distance


def broken(weights: bytes) -> Iterator[tuple[str, bytes]]:
    """A weight file, broken in several ways."""
    size, tenth = len(weights), len(weights) // 10
    flipped = bytes(byte ^ 255 for byte in weights[tenth : 2 * tenth])
    yield "zeros", bytes(size)
    yield "NaN", b"\xff" * size
    yield "a tenth flipped", weights[:tenth] + flipped + weights[2 * tenth :]
    yield "moved on", weights[64:] + weights[:64]


def error(published: Path, manifest: dict[str, Any], artifact: dict[str, Any]) -> float:
    """How far onnxruntime's answer to the canary is from the manifest's; NaN where it is none."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(published / artifact["entry"], settings)
    feeds = {name: decode(encoded) for name, encoded in manifest["canary"]["inputs"].items()}
    wanted = artifact["canary"]["outputs"]
    given = session.run(list(wanted), feeds)
    flat = {
        name: values.ravel()[one["indices"]].tolist()
        for (name, one), values in zip(wanted.items(), given, strict=True)
    }
    return distance(flat, {name: one["values"] for name, one in wanted.items()})


def errors_of_broken(
    published: Path, manifest: dict[str, Any], artifact: dict[str, Any], folder: Path
) -> Iterator[tuple[str, float]]:
    """The same of copies of an artifact with one weight file broken in one way."""
    (folder / "files").mkdir(parents=True)
    for file in artifact["files"]:
        shutil.copyfile(published / file["path"], folder / file["path"])
    for file in (one for one in artifact["files"] if one["path"].endswith(".bin")):
        path = folder / file["path"]
        weights = path.read_bytes()
        for how, content in broken(weights):
            path.write_bytes(content)
            yield f"{how} in {len(weights)} bytes", error(folder, manifest, artifact)
        path.write_bytes(weights)
