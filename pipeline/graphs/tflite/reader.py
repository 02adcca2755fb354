"""Takes what a flatbuffer lists, and never more than its file can hold.

TensorFlow's own reader of the schema checks nothing. Python takes no byte from behind the file's
end; here every count is held against the file's size before anything is made of it, so that time
and memory stay in proportion to the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.tensors.arrays import Array, np

#: What reading bytes that are no table raises.
DAMAGE = (struct.error, ValueError, TypeError, IndexError, OverflowError, AttributeError, KeyError)


class Reader:
    """The bytes of a file, and how much of them may still be listed.

    Args:
        where: what errors call the file.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        # Lists may share their place in the file; in no real one they do so more than a few times.
        self._left = 4 * len(data)

    def fail(self, what: str, todo: str = "get the file again") -> SourceError:
        return SourceError(what, where=self.where, todo=todo)

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Raise SourceError in place of what damaged bytes raise."""
        try:
            yield
        except DAMAGE as error:
            raise self.fail(f"this TFLite file is damaged: {what} cannot be read") from error

    def count(self, length: int) -> int:
        """A length that the file gives, if so many elements may be in it."""
        if not 0 <= length <= self._left // 4:
            raise ValueError(f"{length} elements are more than the file holds")
        self._left -= 4 * length
        return length

    def tables(self, owner: Any, field: str) -> Iterator[Any]:
        """The tables in a vector of tables."""
        get = getattr(owner, field)
        return (get(i) for i in range(self.count(getattr(owner, f"{field}Length")())))

    def integers(self, owner: Any, field: str) -> tuple[int, ...]:
        """The numbers in a vector of integers."""
        self.count(getattr(owner, f"{field}Length")())
        return tuple(int(number) for number in array(owner, field))


def array(owner: Any, field: str) -> Array:
    """A vector of numbers, where it lies in the file."""
    values = getattr(owner, f"{field}AsNumpy")()
    return values if isinstance(values, np.ndarray) else np.zeros(0, np.int64)


def text(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")
