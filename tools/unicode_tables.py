"""Write what the Python tokenizers take characters for: ``python -m tools.unicode_tables``.

Browsers know Unicode in the version of their engine, the library in one of its own, which is older
in parts. A page has to cut words where Python does, in every engine; so it has these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

FILE = Path(__file__).parents[1] / "pipeline" / "inputs" / "text" / "tables.js"

_HEAD = """/** By `python -m tools.unicode_tables`: what Python's tokenizers take characters for. */

/** @typedef {number[]} Table ranges of code points: each one's first, and the one behind it */

/** @param {string} text distances, in base 36 @returns {Table} */
function table(text) {
  let at = 0;
  return text.split(" ").map((distance) => (at += Number.parseInt(distance, 36)));
}

/** Whether a table has a code point. @param {Table} ranges @param {number} code */
export function has(ranges, code) {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle] <= code) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}
"""


def tables() -> dict[str, list[int]]:
    """Name -> ranges of code points: the first of each, and the one behind its last."""
    from tokenizers import normalizers, pre_tokenizers

    def bert(**on: bool) -> Callable[[str], str]:
        off = dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"))
        normalizer = normalizers.BertNormalizer(**{**dict.fromkeys(off, False), **on})
        return normalizer.normalize_str

    clean, chinese, bare = (
        bert(**{name: True}) for name in ("clean_text", "handle_chinese_chars", "strip_accents")
    )
    cut = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    chars = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    return {
        "REMOVED": _ranges(c for c in chars if clean(c) == ""),
        "SPACES": _ranges(c for c in chars if clean(c) == " "),
        "CHINESE": _ranges(c for c in chars if chinese(c) == f" {c} "),
        "ACCENTS": _ranges(c for c in chars if bare(c) == ""),
        "PUNCTUATION": _ranges(c for c in chars if len(cut(f"a{c}a")) == 3),
    }


def _ranges(chars: Iterable[str]) -> list[int]:
    ends: list[int] = []
    for code in map(ord, chars):
        if ends and ends[-1] == code:
            ends[-1] += 1
        else:
            ends += [code, code + 1]
    return ends


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (_base36(number // 36) if number >= 36 else "") + digits[number % 36]


def text() -> str:
    """The whole module."""
    parts = [_HEAD]
    for name, ends in tables().items():
        distances = [_base36(b - a) for a, b in zip([0, *ends], ends, strict=False)]
        parts.append(f'export const {name} = table(\n  "{" ".join(distances)}",\n);\n')
    return "\n".join(parts)


if __name__ == "__main__":
    FILE.write_text(text())
