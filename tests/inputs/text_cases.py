"""Tokenizers, and strings of all scripts, by which the twins that read texts are compared."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.tokenizer import load, well_formed
from pipeline.inputs.text.windows import Question, windows

FOLDER = Path(__file__).parents[1] / "client" / "fixtures" / "tokenizers"

#: Ranges of code points: letters of many scripts, marks, signs, emoji, controls, halves.
BLOCKS = (
    *((0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF)),
    *((0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x10A0, 0x10FF), (0x1100, 0x11FF)),
    *((0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x20CF), (0x2100, 0x218F), (0x2190, 0x22FF)),
    *((0x2460, 0x24FF), (0x3000, 0x303F), (0x3040, 0x30FF), (0x3130, 0x318F), (0x4E00, 0x9FFF)),
    *((0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFB00, 0xFB4F), (0xFE00, 0xFE0F), (0xFF00, 0xFFEF)),
    *((0x1F300, 0x1F64F), (0x1F900, 0x1F9FF), (0x1D400, 0x1D7FF), (0x20000, 0x2A6DF)),
    *((0xE0000, 0xE007F), (0x10400, 0x1044F), (0, 0x1F), (0x7F, 0x9F), (0xD800, 0xDFFF)),
    *((0xE000, 0xE0FF), (0x1E900, 0x1E95F), (0x2E80, 0x2FDF), (0xA640, 0xA69F), (0, 0x10FFFF)),
)

_WORDS = """
the a café naïve Σίσυφος ΟΔΟΣ ΣΑΣ İstanbul ISPARTA ı straße GROẞE don't U.S.A. 3.14 $5 €20 100% C++
hello-world user@example.com https://x.y/z?q=1 你好 世界 こんにちは カタカナ 안녕 한국어 مرحبا
שלום नमस्ते สวัสดี ﬁ ﬂ ① ½ Å é é ñ
👩‍👩‍👧 🇨🇭 👍🏽 ❤️ [CLS] [SEP] [UNK] [MASK] <s> </s> <unk> ▁ ##ing ing## Ġ _
__x__ ﷺ Ǆ Ω K ſ ŉ ǰ ΐ և ﬀ
"""
WORDS = [*_WORDS.split(), "\u200b", "\u200d", "\ufeff", "\u00ad"]

#: Each is odd in a way of its own.
ODD = (
    *("", " ", "\n", "a" * 150, "a " * 300, "é" * 200, "漢" * 200, "\ud800", "x\udc00y", "\ud83d"),
    *("a\u0301" * 50, "e" + "\u0301\u0316" * 40, "\u1100\u1161\u11a8", "  two  spaces  ", "\t\n\r"),
    *("a\u00a0b\u2028c\u0085d", "\u0000", "[SEP]", "▁▁", "ǅungla", "ΑΣ", "Σ"),
)


def strings(count: int, seed: int = 0) -> list[str]:
    """Of all scripts, the same for a seed."""
    chance = random.Random(seed)
    made = list(ODD)
    while len(made) < count:
        parts = []
        for _ in range(chance.randint(1, 12)):
            low, high = chance.choice(BLOCKS)
            letters = "".join(chr(chance.randint(low, high)) for _ in range(chance.randint(1, 6)))
            parts.append(chance.choice(WORDS) if chance.random() < 0.5 else letters)
        text = chance.choice([" ", "", " ", "  "]).join(parts)
        # Two halves side by side are one character in a page, and so here.
        made.append(json.loads(json.dumps(text)))
    return made[:count]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def encoded(name: str, text: str) -> dict[str, Any]:
    """Ids as the library has them, and offsets in UTF-16 code units."""
    whole = load(FOLDER / f"{name}.json").encode(well_formed(text), add_special_tokens=False)
    at = units(text)
    return {"ids": whole.ids, "offsets": [[at[a], at[b]] for a, b in whole.offsets]}


def units(text: str) -> list[int]:
    """Where each code point begins, and the last one ends, in UTF-16 code units."""
    at = [0]
    for char in text:
        at.append(at[-1] + (2 if ord(char) > 0xFFFF else 1))
    return at


QUESTIONS = (
    ("Who was it?", "It was Anna. " * 12 + "Then came Zoë with 👍🏽 and left."),
    ("漢字 " * 40, "Short."),
    ("Why?", ""),
    ("", "Only a context, which is longer than what fits beside no question at all, is here."),
)


def question(name: str, asked: str, context: str) -> dict[str, Any]:
    """All windows of a question, 24 tokens each."""
    options = TextOptions(tokenizer=FOLDER / f"{name}.json", query=8, stride=5)
    read = windows(Question(asked, context), options, 24)
    at = units(context)
    return {
        "question": asked,
        "context": context,
        "windows": [
            {
                "ids": window.ids.tolist(),
                "mask": window.mask.tolist(),
                "types": window.types.tolist(),
                "starts": [at[place] if place >= 0 else -1 for place in window.offsets[:, 0]],
                "ends": [at[place] if place >= 0 else -1 for place in window.offsets[:, 1]],
                "best": window.best.tolist(),
            }
            for window in read
        ],
    }


def single(name: str, text: str) -> dict[str, Any]:
    (window,) = windows(text, TextOptions(tokenizer=FOLDER / f"{name}.json"), 16)
    return {
        "ids": window.ids.tolist(),
        "mask": window.mask.tolist(),
        "types": window.types.tolist(),
    }


def cases(count: int, seed: int = 0) -> dict[str, Any]:
    texts = strings(count, seed)
    return {
        "texts": texts,
        "encoded": {name: [encoded(name, text) for text in texts] for name in names()},
        "windows": {name: [question(name, *one) for one in QUESTIONS] for name in names()},
        "singles": {name: [single(name, text) for text in texts[:30]] for name in names()},
    }
