"""Bytes on the wire: what a CDN may send instead of a file, made once with the best there is."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from pipeline import options
from pipeline.export import artifact as artifacts
from pipeline.publish.layout import TWINS
from pipeline.step import Inputs, step

SIZES = "sizes.json"

#: Brotli's best. It takes about two seconds a megabyte of float32 weights, once for ever.
QUALITY = 11
GZIP_LEVEL = 9

#: What a compressed copy has to save to be worth a file and the reader's decompression.
WORTH = 0.02

Sizes = dict[str, int | None]


class CompressOptions(options.Options):
    """Compressing has no choices."""


# In a process of its own: the conversions, which a build waits for, come first.
@step(version=2, lane="compress", tools=("brotli",))
def compress(inputs: Inputs, options: CompressOptions, work: Path) -> None:
    """ARTIFACT -> ``sizes.json``: path of each file -> its sizes; and its twins by their paths."""
    give_way()
    folder = inputs["artifact"]
    paths = [file["path"] for file in artifacts.read(folder)["files"]]
    sizes = write_twins({path: folder / path for path in paths}, work)
    (work / SIZES).write_text(json.dumps(sizes, indent=1))


def write_twins(files: Mapping[str, Path], to: Path) -> dict[str, Sizes]:
    """Write ``PATH.br`` and ``PATH.gz`` of each file where they help.

    Args:
        files: path below ``to`` -> the file.

    Returns:
        Path -> ``{"br_bytes": …, "gz_bytes": …}``.
    """
    for path in files:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
    # Both compressors let go of the interpreter's lock, so threads use every core. Largest first:
    # one file is one thread's.
    order = sorted(files, key=lambda path: -files[path].stat().st_size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(order, pool.map(lambda p: _twins(files[p], to / p), order), strict=True))
    return {path: found[path] for path in files}


def _twins(file: Path, beside: Path) -> Sizes:
    content = file.read_bytes()
    sizes: Sizes = {}
    for suffix, key in TWINS.items():
        packed = encode(content, suffix)
        helps = len(packed) <= len(content) * (1 - WORTH)
        sizes[key] = len(packed) if helps else None
        if helps:
            beside.with_name(beside.name + suffix).write_bytes(packed)
    return sizes


def encode(content: bytes, suffix: str) -> bytes:
    """What a file with this suffix holds; the same bytes at any time."""
    if suffix == ".gz":
        return gzip.compress(content, GZIP_LEVEL, mtime=0)
    import brotli

    packed: bytes = brotli.compress(content, quality=QUALITY)
    return packed


def total(files: Iterable[Mapping[str, object]], key: str) -> int:
    """Bytes on the wire of several files, each as it is where its twin is no use."""
    return sum(_int(file[key] if file[key] is not None else file["bytes"]) for file in files)


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no number of bytes")
    return value


def give_way() -> None:
    """Let every other process go first."""
    with suppress(OSError):  # not allowed: then it shares the processor as others do
        os.setpriority(os.PRIO_PROCESS, 0, 10)
