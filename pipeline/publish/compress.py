"""Bytes on the wire: what a CDN sends of an artifact's files."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from pipeline import options
from pipeline.export import artifact as artifacts
from pipeline.step import Inputs, step

SIZES = "sizes.json"

#: Brotli's best. It takes about two seconds a megabyte of float32 weights, once for ever.
QUALITY = 11


class CompressOptions(options.Options):
    """Compressing has no choices."""


# In a process of its own: the conversions, which a build waits for, come first.
@step(version=1, lane="compress", tools=("brotli",))
def compress(inputs: Inputs, options: CompressOptions, work: Path) -> None:
    """ARTIFACT -> ``sizes.json``: path of each file -> ``{"br_bytes": …}``."""
    _give_way()
    folder = inputs["artifact"]
    paths = [file["path"] for file in artifacts.read(folder)["files"]]
    # Brotli lets go of the interpreter's lock, so threads use every core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sizes = list(pool.map(brotli_bytes, [folder / path for path in paths]))
    content = {path: {"br_bytes": size} for path, size in zip(paths, sizes, strict=True)}
    (work / SIZES).write_text(json.dumps(content, indent=1))


def brotli_bytes(file: Path) -> int:
    """The size of a file compressed with brotli."""
    import brotli

    return len(brotli.compress(file.read_bytes(), quality=QUALITY))


def _give_way() -> None:
    with suppress(OSError):  # not allowed: then it shares the processor as others do
        os.setpriority(os.PRIO_PROCESS, 0, 10)
