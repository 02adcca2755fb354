"""Bytes on the wire: what a CDN may send instead of a file.

How hard brotli tries is chosen by size, so that a build takes seconds for it; ``publish.compress:
best`` tries hardest. Measured with brotli 1.2 on two cores in use, each beside quality 11 (CPU
seconds a megabyte, and how many more bytes it leaves):

=============================  ============  ==============  ===========
                               11            10              5
=============================  ============  ==============  ===========
float32 weights                3.7 s         1.7 s, 0.01 %   0.02 s, 1.2 %
float16 weights                3.8 s         1.6 s, 0.01 %   0.03 s, 5.1 %
uint8 weights                  2.4 s         1.3 s, 0.04 %   0.02 s, 2.8 %
ONNX Runtime's wasm (14.2 MB)  3.5 s         2.0 s, 3.8 %    0.06 s, 20 %
=============================  ============  ==============  ===========

Quality 9 leaves as many bytes of weights as 5, and takes ten times as long.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.proof import Twins
from pipeline.base.options import StrictOptions
from pipeline.engine.step import piece, progress, step
from pipeline.storage.layout import TWINS

#: Brotli's best, and what is chosen for files of up to so many bytes in all; then the last one.
BEST = 11
QUALITIES = ((2**18, 11), (2**23, 10))
QUICK = 5
#: What is compressed in one go: a fraction of a second of the slow qualities' time. A quick one
#: finds more in more.
PIECE, QUICK_PIECE = 2**18, 2**22
GZIP_LEVEL = 9
#: zlib's word for a window of 32 KiB and the header of gzip, with no time in it.
_GZIP = 31

#: What a compressed copy has to save to be worth a file and the reader's decompression.
WORTH = 0.02

Sizes = dict[str, int | None]


class CompressOptions(StrictOptions):
    """How hard to try."""

    best: bool = False
    """Brotli 11, whatever it takes."""


# In a process of its own: the conversions, which a build waits for, come first.
@step(version=3, lane="compress", tools=("brotli",))
def compress(artifact: ArtifactFolder, options: CompressOptions, work: Path) -> None:
    """ARTIFACT -> ``sizes.json``: path of each file -> its sizes; and its twins by their paths."""
    give_way()
    files = {path: artifact.folder / path for path in artifact.paths}
    Twins(work).write(write_twins(files, work, best=options.best))


def quality_of(size_bytes: int, *, best: bool = False) -> int:
    """How hard brotli tries with files of so many bytes in all."""
    if best:
        return BEST
    return next((quality for most, quality in QUALITIES if size_bytes <= most), QUICK)


def write_twins(files: Mapping[str, Path], to: Path, *, best: bool = False) -> dict[str, Sizes]:
    """Write ``PATH.br`` and ``PATH.gz`` of each file where they help.

    Args:
        files: path below ``to`` -> the file.
        best: brotli's best, however long it takes.

    Returns:
        Path -> ``{"br_bytes": …, "gz_bytes": …}``.
    """
    for path in files:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
    # Both compressors let go of the interpreter's lock, so threads use every core. Largest first:
    # one file is one thread's.
    sizes = {path: file.stat().st_size for path, file in files.items()}
    order = sorted(files, key=lambda path: -sizes[path])
    packer = _Packer(quality_of(sum(sizes.values()), best=best), sum(sizes.values()))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        twins = pool.map(lambda path: packer.write(files[path], to / path), order)
        by_path = dict(zip(order, twins, strict=True))
    return {path: by_path[path] for path in files}


@dataclass
class _Packer:
    """Compresses files piece by piece, so that it can stand back, and tells how far it is."""

    quality: int
    total_bytes: int
    """Of all files."""
    done_bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def write(self, file: Path, beside: Path) -> Sizes:
        most = file.stat().st_size * (1 - WORTH)
        sizes: Sizes = {}
        for suffix, key in TWINS.items():
            twin = beside.with_name(beside.name + suffix)
            size = self._pack(file, twin, suffix)
            helps = size <= most
            sizes[key] = size if helps else None
            if not helps:
                twin.unlink()
        return sizes

    def _pack(self, file: Path, twin: Path, suffix: str) -> int:
        """Write what a file with this suffix holds, the same at any time; its bytes."""
        process, finish, size = self._compressor(suffix)
        with file.open("rb") as content, twin.open("wb") as packed:
            while part := content.read(size):
                with piece():
                    packed.write(process(part))
                self._report(len(part), suffix)
            with piece():
                packed.write(finish())
            return packed.tell()

    def _compressor(self, suffix: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes], int]:
        """What takes pieces, what ends, and how large pieces are."""
        if suffix == ".gz":
            compressor = zlib.compressobj(GZIP_LEVEL, wbits=_GZIP)
            return compressor.compress, compressor.flush, QUICK_PIECE
        import brotli

        packer = brotli.Compressor(quality=self.quality)
        return packer.process, packer.finish, QUICK_PIECE if self.quality <= QUICK else PIECE

    def _report(self, count: int, suffix: str) -> None:
        """Say how far brotli is, which takes nearly all of the time."""
        if suffix != ".br":
            return
        with self._lock:
            self.done_bytes += count
        done, total_bytes = self.done_bytes / 1e6, self.total_bytes / 1e6
        progress(done / total_bytes, f"{done:.1f} of {total_bytes:.1f} MB")


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
        os.setpriority(os.PRIO_PROCESS, 0, 19)
