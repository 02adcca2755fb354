"""Reads a tokenizer.json, which is untrusted. The twin is tokenizer.js.

What that does not know is refused by name: a page must cut a text as the ``tokenizers`` package
does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: Of the file: that of XLM-RoBERTa, with 250,000 pieces, has 17 MB. A host takes 25 MiB.
MAX_BYTES = 24 << 20

#: The runs of spaces that converters of SentencePiece's models name.
SPACES = " {2,}"

#: Of a part of tokenizer.json: what it may be, and what must hold of it.
_Known = Mapping[str, Callable[[Mapping[str, Any]], bool]]


def _any(part: Mapping[str, Any]) -> bool:
    return True


_NORMALIZERS: _Known = {
    **dict.fromkeys(("BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD"), _any),
    **dict.fromkeys(("Prepend", "Sequence", "Strip"), _any),
    "Replace": lambda part: (
        bool(part["pattern"].get("String")) or part["pattern"].get("Regex") == SPACES
    ),
}
_PRE_TOKENIZERS: _Known = dict.fromkeys(
    ("BertPreTokenizer", "ByteLevel", "Metaspace", "Sequence", "WhitespaceSplit"), _any
)
_POST_PROCESSORS: _Known = dict.fromkeys(
    ("BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"), _any
)
_MODELS: _Known = {
    "WordPiece": lambda part: part["unk_token"] in part["vocab"],
    "Unigram": lambda part: not part.get("byte_fallback") and part.get("unk_id") is not None,
    "BPE": lambda part: (
        not any(
            part.get(name)
            for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix")
        )
    ),
}

#: Key of the file -> what may stand there, and the key of what a sequence is made of.
_PARTS: Mapping[str, tuple[_Known, str]] = {
    "normalizer": (_NORMALIZERS, "normalizers"),
    "pre_tokenizer": (_PRE_TOKENIZERS, "pretokenizers"),
    "post_processor": (_POST_PROCESSORS, "processors"),
    "model": (_MODELS, ""),
}


@lru_cache(maxsize=8)
def check_file(file: Path) -> None:
    """Whether it is a tokenizer that pages read as Python does.

    Raises:
        ValueError: it is not, in words.
    """
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{file.name} has {size:,} bytes, more than {MAX_BYTES:,}")
    try:
        whole = json.loads(file.read_bytes())
        problem = next(_problems(whole), None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{file.name} is no tokenizer.json that can be read ({error!r})") from None
    if problem:
        raise ValueError(f"{file.name}: {problem}")


def _problems(whole: Mapping[str, Any]) -> Iterator[str]:
    for key, (known, within) in _PARTS.items():
        for part in _flat(whole.get(key), within):
            if part["type"] not in known:
                yield f"its {key} {part['type']} is not known to pages; they know {_listed(known)}"
            elif not known[part["type"]](part):
                yield f"its {key} {part['type']} is of a kind that pages do not know"
    if not whole.get("model"):
        yield "it has no model"
    for token in whole.get("added_tokens", ()):
        if not token["special"]:
            yield f"its added token {token['content']!r} is not special, which pages do not know"


def _flat(part: Mapping[str, Any] | None, within: str) -> Iterator[Mapping[str, Any]]:
    if part is None:
        return
    yield part
    if part["type"] == "Sequence":
        for one in part[within]:
            yield from _flat(one, within)


def _listed(known: _Known) -> str:
    return ", ".join(sorted(known))


@lru_cache(maxsize=4)
def load(file: Path) -> Tokenizer:
    """The tokenizer of a file.

    Special tokens in a text are text as any other: whoever writes ``[SEP]`` gets its letters.

    Raises:
        ValueError: the file is not what ``check_file`` asks for.
    """
    from tokenizers import Tokenizer

    check_file(file)
    try:
        tokenizer = Tokenizer.from_str(file.read_text())
    except BaseException as error:  # its panics are no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise ValueError(f"{file.name} is no tokenizer.json that can be read ({error})") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer


def well_formed(text: str) -> str:
    """With U+FFFD for half a character, as pages have it."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)
