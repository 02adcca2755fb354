"""Files as accidents and enemies leave them: the same ones for the same seed."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from typing import Any

import numpy as np

#: Sizes and offsets at which programs go wrong.
EDGES = (0, 1, 2**8 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)

#: What a name or a value of a JSON text becomes.
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 1e308, "", "../../out", "/etc/passwd"),
    *([], {}, [[]], "float32", "é\u0000", ["a"] * 100),
)


def mutate(content: bytes, seed: int) -> bytes:
    """A file with some of it changed; of an archive sometimes the files in it."""
    random = np.random.default_rng(seed)
    if content[:2] == b"PK" and random.random() < 0.7:
        return _mutated_member(content, random)
    return _mutated(content, random)


def _mutated_member(content: bytes, random: np.random.Generator) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as changed:
        names = archive.namelist()
        which = names[random.integers(len(names))]
        for name in names:
            inner = archive.read(name)
            if name == which:
                inner = _mutated_json(inner, random) if name[-5:] == ".json" else b""
                inner = inner or _mutated(archive.read(name), random)
            outside = name == which and random.random() < 0.05
            changed.writestr("../" * int(random.integers(1, 4)) + name if outside else name, inner)
    return out.getvalue()


def _mutated_json(content: bytes, random: np.random.Generator) -> bytes:
    """With other values where it is still JSON; nothing where bytes are to be changed."""
    if random.random() < 0.3:
        return b""
    tree = json.loads(content)
    for _ in range(random.integers(1, 4)):
        _replace_somewhere(tree, random)
    return json.dumps(tree).encode()


def _replace_somewhere(tree: Any, random: np.random.Generator) -> None:
    while isinstance(tree, dict | list) and tree:
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        key = keys[random.integers(len(keys))]
        inner = tree[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < 0.1:
            if random.random() < 0.2:
                del tree[key]
            else:
                # A copy: what is changed next may lie in it.
                tree[key] = copy.deepcopy(VALUES[random.integers(len(VALUES))])
            return
        tree = inner


def _mutated(content: bytes, random: np.random.Generator) -> bytes:
    data = bytearray(content)
    for _ in range(random.integers(1, 6)):
        place, kind = int(random.integers(len(data))), random.integers(6)
        if kind == 0:
            data[place] = random.integers(256)
        elif kind == 1:
            data[place] ^= 1 << random.integers(8)
        elif kind == 2:
            word = EDGES[random.integers(len(EDGES))].to_bytes(4, "little")
            data[place - place % 4 : place - place % 4 + 4] = word
        elif kind == 3:
            del data[place : place + int(random.integers(1, 64))]
        elif kind == 4:
            data[place:place] = data[place : place + int(random.integers(1, 64))]
        else:
            size = int(random.integers(1, 16))
            data[place : place + size] = random.bytes(size)
        if len(data) < 8:
            break
    return bytes(data[: random.integers(1, len(data))] if random.random() < 0.1 else data)
