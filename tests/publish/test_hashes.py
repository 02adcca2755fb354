"""What compressed files hold, whatever their sizes are to the blocks in which they are read."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator

import brotli
import pytest

from pipeline.publish.upkeep.verify.hashes import DECOMPRESS, STEP_BYTES, BrokenError

SIZES = (10, STEP_BYTES, STEP_BYTES + 1, 2 * STEP_BYTES - 5, 3 * STEP_BYTES)
RANDOM = random.Random(1)
CONTENTS = {
    "zeros": bytes(SIZES[-1]),
    "text": RANDOM.randbytes(SIZES[-1] // 2).hex().encode(),
}
COMPRESS = {".br": lambda data: brotli.compress(data, quality=5), ".gz": gzip.compress}


def blocks(data: bytes) -> Iterator[bytes]:
    return (data[start : start + 2**16] for start in range(0, len(data), 2**16))


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("size", SIZES)
def test_all_of_it_comes_out(suffix: str, content: str, size: int) -> None:
    data = CONTENTS[content][:size]
    compressed = COMPRESS[suffix](data)
    assert b"".join(DECOMPRESS[suffix](blocks(compressed))) == data
    with pytest.raises(BrokenError, match="ends in the middle"):
        list(DECOMPRESS[suffix](blocks(compressed[: len(compressed) * 2 // 3])))
