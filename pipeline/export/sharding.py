"""Weights cut into files small enough for CDNs, parallel fetches and browser caches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

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


#: A number of bytes; ``4MiB``, ``500KB`` or an integer in a config.
Size = Annotated[
    int,
    BeforeValidator(_bytes),
    Field(ge=1024, le=2**31 - 1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1024},
                {"type": "string", "pattern": r"^\d+(\.\d+)? *([KMG]i?)?B?$"},
            ]
        }
    ),
]


def split(tensors: Iterable[bytes], shard_bytes: int) -> Iterator[bytes]:
    """Pack encoded tensors, in order, into shards of at most ``shard_bytes``.

    A shard ends between two tensors, so that retraining one layer leaves the
    other layers' shards (and their URLs) as they were; only a tensor larger
    than a shard is itself cut. Joined in order, the shards are the tensors.
    """
    shard = bytearray()
    for tensor in tensors:
        if shard and len(shard) + len(tensor) > shard_bytes:
            yield bytes(shard)
            shard.clear()
        shard += tensor
        while len(shard) > shard_bytes:
            yield bytes(shard[:shard_bytes])
            del shard[:shard_bytes]
    if shard:
        yield bytes(shard)
