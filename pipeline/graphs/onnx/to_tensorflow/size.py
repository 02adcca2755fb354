"""How large what a graph makes of little may become: a file of bytes can ask for terabytes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

#: Elements of a tensor that one node makes larger than what it is given.
MOST = 2**28


def bound(shape: Sequence[int]) -> list[int]:
    """A shape, as a list.

    Raises:
        ValueError: it has more than ``MOST`` elements, or a size below zero.
    """
    sizes = [int(size) for size in shape]
    if min(sizes, default=0) < 0 or prod(sizes) > MOST:
        raise ValueError(
            f"it makes a tensor of shape {sizes}; more than {MOST:,} elements are not made"
        )
    return sizes


def count(sizes: Sequence[int | None]) -> int | None:
    """How many elements; ``None`` where a size is free."""
    numbers = [size for size in sizes if size is not None]
    return prod(numbers) if len(numbers) == len(sizes) else None
