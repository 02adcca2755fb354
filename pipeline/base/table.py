"""Columns on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> None:
    """Print columns as wide as they need to be; ``numbers`` are aligned to the right."""
    # Plain text, not rich: this is also the last thing that a build with nothing to do prints.
    right = set(numbers)
    cells = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(click.unstyle(row[i])) for row in cells) for i in range(len(head))]
    for index, row in enumerate(cells):
        padded = [
            _padded(c, w, i in right) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  ".join(padded).rstrip()
        click.echo(click.style(line, bold=True) if index == 0 else line)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - len(click.unstyle(text)))
    return space + text if right else text + space
