"""The results as a Markdown table."""

from __future__ import annotations

from collections import Counter

from tests.conformance.results import Results

STATES = ("ok", "refused", "wrong", "crashed", "unavailable")


def summary(known: Results) -> str:
    """How many models came out how, in each format on each backend."""
    lines = ["| format and backend | models | " + " | ".join(STATES) + " |"]
    lines.append("|---|" + "---|" * (len(STATES) + 1))
    for column in known.columns():
        states = Counter(cells[column]["state"] for _, cells in known if column in cells)
        counts = " | ".join(str(states[state]) for state in STATES)
        lines.append(f"| {column} | {states.total()} | {counts} |")
    return "\n".join(lines)


def markdown(known: Results) -> str:
    """The document."""
    return summary(known) + "\n"
