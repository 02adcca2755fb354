"""Weights cut into files that follow the layers, so that a release shares what it did not change.

Whether a shard ends behind a layer is decided by that layer alone: by a hash of its name, the more
likely the larger it is (content-defined chunking, as of rsync and restic, with layers in place of
bytes). So a layer that grows, is added or is taken away moves no cut but those beside it, whereas
shards that are filled up move all that follow. The last layers, which are what is trained again,
have a shard each, whatever their sizes: other classes change the head's shard and no other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from pipeline.storage.layout import MOST_FILE_BYTES

UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value)
    if match is None or match[2].upper() not in UNITS:
        raise ValueError(f'"{value}" is no size; write a number of bytes or, say, 4MiB')
    return int(float(match[1]) * UNITS[match[2].upper()])


def _hosted(value: int) -> int:
    if value > MOST_FILE_BYTES:
        most = f"{MOST_FILE_BYTES // 2**20}MiB"
        raise ValueError(
            f"hosts such as Cloudflare Pages take no file over {most}; write {most} or less"
        )
    return value


#: A number of bytes; ``4MiB``, ``500KB`` or an integer in a config.
Size = Annotated[
    int,
    BeforeValidator(_bytes),
    Field(ge=1024),
    AfterValidator(_hosted),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1024, "maximum": MOST_FILE_BYTES},
                {"type": "string", "pattern": r"^\d+(\.\d+)? *([KMG]i?)?B?$"},
            ]
        }
    ),
]


#: So many of the last layers have a shard of their own: the head, and what is tuned with it.
TAIL = 2

#: What shards are on average: this share of the largest size, and at least so many bytes, since a
#: request costs a client about as much as some ten thousand bytes.
AVERAGE, LEAST_BYTES = 1 / 16, 2**16


@dataclass(frozen=True)
class Tensor:
    """A weight to be stored."""

    name: str
    bytes: int
    """As encoded, with what aligns the next one."""
    kernel: bool
    """Whether a layer begins with it. Biases and factors belong to the kernel before them."""


def is_kernel(shape: Sequence[int]) -> bool:
    """Whether floats of this shape are a layer's kernel, and no vector in more dimensions."""
    return len(shape) == 2 or sum(size > 1 for size in shape) > 1


def shards(tensors: Sequence[Tensor], shard_bytes: int) -> Iterator[range]:
    """Put tensors, in order, into shards: yields the indices of each.

    None is larger than ``shard_bytes``, but for one that holds a single larger tensor.
    """
    cuts = _cuts(tensors, shard_bytes)
    start = size = 0
    for index, tensor in enumerate(tensors):
        full = size + tensor.bytes > shard_bytes
        if index > start and (full or index in cuts):
            yield range(start, index)
            start, size = index, 0
        size += tensor.bytes
    if tensors:
        yield range(start, len(tensors))


def _cuts(tensors: Sequence[Tensor], shard_bytes: int) -> set[int]:
    """Indices of the tensors that shards begin with, whatever lies before them."""
    starts = [index for index, tensor in enumerate(tensors) if tensor.kernel]
    average = min(shard_bytes, max(LEAST_BYTES, shard_bytes * AVERAGE))
    cuts = set(starts[1:][-TAIL:])
    for start, end in pairwise(starts):
        size = sum(tensor.bytes for tensor in tensors[start:end])
        if _fraction(tensors[start].name) * average < size:
            cuts.add(end)
    return cuts


def _fraction(name: str) -> float:
    """A number from 0 to 1 that a name always gives."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
