"""What a model reads of a text, or of a question about one. The twin is windows.js.

A text that is too long beside its question is read through windows (Devlin et al. 2018,
run_squad.py): one is as long as the model allows, and each begins ``stride`` tokens behind the
last.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    best: NDArray[np.bool_]
    """[length]: whether it is a token of the context that no other window has more around of, where
    an answer may begin (Devlin et al. 2018, run_squad.py: the maximum context)."""


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
    count = len(context)
    context.truncate(room, stride=max(0, room - options.stride))
    parts = [context, *context.overflowing]
    tokens = _tokens_of([len(part) for part in parts], min(options.stride, room))
    best = _best_windows(tokens, count)
    return [
        _window(tokenizer.post_process(question, part), best[own] == index, length, options)
        for index, (part, own) in enumerate(zip(parts, tokens, strict=True))
    ]


def _tokens_of(lengths: Sequence[int], step: int) -> list[slice]:
    """Which tokens of a context each window has."""
    return [slice(index * step, index * step + length) for index, length in enumerate(lengths)]


def _best_windows(windows_tokens: Sequence[slice], count: int) -> Int64s:
    """Of each token of a context, the window that has most of it around, the first of several."""
    best, most = np.zeros(count, np.int64), np.full(count, -1.0)
    for index, tokens in enumerate(windows_tokens):
        length = tokens.stop - tokens.start
        place = np.arange(length)
        around = np.minimum(place, length - 1 - place) + 0.01 * length
        best[tokens] = np.where(around > most[tokens], index, best[tokens])
        most[tokens] = np.maximum(around, most[tokens])
    return best


def _encode(tokenizer: Any, text: str) -> Encoding:
    if len(text) > MAX_CHARS:
        raise ValueError(f"a text has {len(text):,} characters, more than {MAX_CHARS:,}")
    encoded: Encoding = tokenizer.encode(well_formed(text), add_special_tokens=False)
    return encoded


def _checked(room: int, length: int) -> int:
    if room < 1:
        raise ValueError(f"there is no room for a text in {length} tokens beside the others")
    return room


def _window(
    encoded: Encoding, best: NDArray[np.bool_] | None, length: int, options: TextOptions
) -> Window:
    """Of a text, or of a question and a part of its context.

    Args:
        best: bool, of each token of that part; ``None`` where there is no question.
    """
    count = len(encoded)
    ids = np.full(length, options.pad, np.int64)
    ids[:count] = encoded.ids
    types = np.zeros(length, np.int64)
    types[:count] = encoded.type_ids
    offsets, is_best = np.full((length, 2), -1, np.int32), np.zeros(length, np.bool_)
    if best is not None and len(best):
        places = [index for index, text in enumerate(encoded.sequence_ids) if text == 1]
        offsets[places] = [encoded.offsets[index] for index in places]
        is_best[places] = best
    mask = (np.arange(length) < count).astype(np.int64)
    return Window(ids, mask, types, offsets, is_best)
