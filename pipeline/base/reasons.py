"""What a library's error says, in one line for a person."""

from __future__ import annotations

import re

#: Some print whole graphs.
LONGEST = 300

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

#: Lines that only lead up to a reason, or stand behind it.
_AROUND = re.compile(
    r"Exception encountered when calling|Graph execution error|Detected at node|Arguments received"
)
#: Keras puts the reason behind the config of each layer that it is inside of.
_INNER = "Exception encountered: "


def reason_of(error: BaseException) -> str:
    """The line that says why, as libraries wrap it; where it is long, up to a whole word."""
    text = _COLOURS.sub("", str(error)).rpartition(_INNER)[2]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _AROUND.match(line)] or lines
    return shortened(telling[0]) if telling else type(error).__name__


def shortened(line: str) -> str:
    """No longer than ``LONGEST``; where something is left out, that shows."""
    if len(line) <= LONGEST:
        return line
    return line[:LONGEST].rsplit(maxsplit=1)[0] + " …"
