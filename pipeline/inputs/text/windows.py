"""What a model reads of a text, or of a question about one. The twin is windows.js.

A text that is too long beside its question is read through windows (Devlin et al. 2018,
run_squad.py): one is as long as the model allows, and each begins ``stride`` tokens behind the
last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.tokenizer import load, well_formed
from pipeline.tensors.arrays import Int64s, NDArray, np

if TYPE_CHECKING:
    from tokenizers import Encoding

#: Of a text, in code points: more takes a page minutes.
MAX_CHARS = 1 << 20


class Question(NamedTuple):
    """A question, and the text that is to answer it."""

    question: str
    context: str


@dataclass(frozen=True)
class Window:
    """What a model reads at once."""

    ids: Int64s
    """[length]."""
    mask: Int64s
    """[length], 1 where there is a token."""
    types: Int64s
    """[length], 1 for the second text."""
    offsets: NDArray[np.int32]
    """[length, 2]: of each token of the context from where to where it comes, in code points of it;
    -1 for all others."""


def windows(text: str | Question, options: TextOptions, length: int) -> list[Window]:
    """All that a model is to read: one, but of a long text with a question.

    Raises:
        ValueError: the tokenizer cannot be read, or there is no room for a text.
    """
    tokenizer = load(options.tokenizer)
    is_pair = isinstance(text, Question)
    room = length - tokenizer.num_special_tokens_to_add(is_pair)
    if isinstance(text, str):
        encoded = _encode(tokenizer, text)
        encoded.truncate(_checked(room, length))
        return [_window(tokenizer.post_process(encoded), None, length, options)]
    question, context = (_encode(tokenizer, part) for part in text)
    question.truncate(options.query)
    room = _checked(room - len(question), length)
    context.truncate(room, stride=max(0, room - options.stride))
    return [
        _window(tokenizer.post_process(question, part), 1, length, options)
        for part in (context, *context.overflowing)
    ]


def _encode(tokenizer: Any, text: str) -> Encoding:
    if len(text) > MAX_CHARS:
        raise ValueError(f"a text has {len(text):,} characters, more than {MAX_CHARS:,}")
    encoded: Encoding = tokenizer.encode(well_formed(text), add_special_tokens=False)
    return encoded


def _checked(room: int, length: int) -> int:
    if room < 1:
        raise ValueError(f"there is no room for a text in {length} tokens beside the others")
    return room


def _window(encoded: Encoding, second: int | None, length: int, options: TextOptions) -> Window:
    count = len(encoded)
    ids = np.full(length, options.pad, np.int64)
    ids[:count] = encoded.ids
    types = np.zeros(length, np.int64)
    types[:count] = encoded.type_ids
    offsets = np.full((length, 2), -1, np.int32)
    for index, (place, sequence) in enumerate(
        zip(encoded.offsets, encoded.sequence_ids, strict=True)
    ):
        if second is not None and sequence == second:
            offsets[index] = place
    return Window(ids, (np.arange(length) < count).astype(np.int64), types, offsets)
