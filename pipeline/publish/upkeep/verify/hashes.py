"""Hashes files, and what compressed ones hold, in blocks: neither size nor content is trusted."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator

from pipeline.cdn.listed import Listed
from pipeline.publish.upkeep.verify.fault import Fault
from pipeline.storage import Readable

#: Decompressed at a time.
STEP_BYTES = 2**20


MISSING = "is missing"
NOT_PACKED = {".br": "is not brotli", ".gz": "is not gzip"}


class BrokenError(Exception):
    """What was read is not what it has to be."""


def check(storage: Readable, file: Listed) -> Fault | None:
    """Whether a file has the bytes that its manifest says."""
    return _read_fault(storage, file.path, lambda blocks: _expect(blocks, file))


def check_twin(storage: Readable, file: Listed, suffix: str) -> Fault | None:
    """Whether a compressed file holds what the plain one does."""
    opened = DECOMPRESS[suffix]
    return _read_fault(storage, file.path + suffix, lambda blocks: _expect(opened(blocks), file))


def _read_fault(
    storage: Readable, path: str, function: Callable[[Iterator[bytes]], None]
) -> Fault | None:
    try:
        storage.fold(path, function)
    except (FileNotFoundError, NotADirectoryError):
        return Fault(path, MISSING)
    except BrokenError as error:
        return Fault(path, str(error))
    return None


def _expect(blocks: Iterator[bytes], file: Listed) -> None:
    """Raise BrokenError unless the blocks are the file's; reads hardly more than it has."""
    hashed, size = hashlib.sha256(), 0
    for block in blocks:
        hashed.update(block)
        size += len(block)
        if size > file.bytes:
            raise BrokenError(f"holds more than its {file.bytes:,} bytes")
    if size < file.bytes:
        raise BrokenError(f"holds {size:,} of its {file.bytes:,} bytes")
    if hashed.hexdigest() != file.sha256:
        raise BrokenError(f"has sha256 {hashed.hexdigest()}, and its name says {file.sha256}")


def _brotli(blocks: Iterator[bytes]) -> Iterator[bytes]:
    import brotli

    decompressor = brotli.Decompressor()
    try:
        for block in blocks:
            yield decompressor.process(block, output_buffer_limit=STEP_BYTES)
            while not decompressor.can_accept_more_data():
                yield decompressor.process(b"", output_buffer_limit=STEP_BYTES)
        # It takes all that it is given while it still holds what that becomes.
        while not decompressor.is_finished():
            rest = decompressor.process(b"", output_buffer_limit=STEP_BYTES)
            if not rest:
                raise BrokenError("ends in the middle")
            yield rest
    except brotli.error as error:
        raise BrokenError(NOT_PACKED[".br"]) from error


def _gzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(wbits=31)
    try:
        for block in blocks:
            rest = block
            while rest and not decompressor.eof:
                yield decompressor.decompress(rest, STEP_BYTES)
                rest = decompressor.unconsumed_tail
        yield decompressor.flush()
    except zlib.error as error:
        raise BrokenError(NOT_PACKED[".gz"]) from error
    if not decompressor.eof:
        raise BrokenError("ends in the middle")


DECOMPRESS = {".br": _brotli, ".gz": _gzip}
