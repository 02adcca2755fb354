"""Two releases side by side, and what got worse from one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.table import table
from pipeline.measures import words
from pipeline.report import facts, markdown
from pipeline.report.artifact import Artifact
from pipeline.report.release import Release
from pipeline.validate import regress

if TYPE_CHECKING:
    from pipeline.validate.regress import Regression


def show(before: Release, after: Release, regressions: Sequence[Regression]) -> None:
    """Print both on a terminal."""
    click.echo(f"{_title(before)} → {_title(after)}")
    table(_head(after), _rows(before, after), numbers=(1, 2, 3))
    click.echo()
    for regression in regressions:
        click.echo(f"{click.style(words.MARKS['fail'], fg='red')} {_text(regression)}")
    for line in regress.not_compared(before.record, after.record):
        click.secho(line, dim=True)
    click.secho(_sum(regressions), fg="red" if regressions else "green", bold=True)


def in_markdown(before: Release, after: Release, regressions: Sequence[Regression]) -> str:
    """Both for a CI job's summary."""
    rows = [tuple(map(markdown.text, row)) for row in _rows(before, after)]
    listed = "\n".join(
        f"- {words.MARKS['fail']} {markdown.text(_text(regression))}" for regression in regressions
    )
    mark = words.MARKS["fail" if regressions else "pass"]
    parts = (
        f"## {markdown.text(_title(before))} → {markdown.text(_title(after))}",
        f"**{mark} {_sum(regressions)}**",
        listed,
        "\n".join(
            f"- {markdown.text(line)}" for line in regress.not_compared(before.record, after.record)
        ),
        markdown.table(tuple(map(str.capitalize, _head(after))), rows, numbers=(1, 2, 3)),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def as_data(before: Release, after: Release, regressions: Sequence[Regression]) -> dict[str, Any]:
    """Both for machines."""
    return {
        "before": {"name": before.name, "release": before.id},
        "after": {"name": after.name, "release": after.id},
        "regressions": [
            {**asdict(regression), "text": _text(regression)} for regression in regressions
        ],
        "not_compared": regress.not_compared(before.record, after.record),
    }


def _title(release: Release) -> str:
    return f"{release.name} {release.id or 'not published'}"


def _text(regression: Regression) -> str:
    where = f" on {words.target(regression.target)}" if regression.target else ""
    return f"{regression.artifact}{where}: {regression.note}"


def _head(after: Release) -> tuple[str, ...]:
    measured = (words.metric(name) for name in (after.quality, "max_abs_error"))
    return ("artifact", "size", *measured, "verdict")


def _sum(regressions: Sequence[Regression]) -> str:
    if not regressions:
        return "Nothing got worse."
    return f"{words.count(len(regressions), 'thing')} got worse."


def _rows(before: Release, after: Release) -> Iterator[tuple[str, ...]]:
    was = {artifact.id: artifact for artifact in before.artifacts}
    now = {artifact.id: artifact for artifact in after.artifacts}
    for name in {**was, **now}:
        old, new = (side.get(name) for side in (was, now))
        columns = [_of(artifact, after.quality) for artifact in (old, new) if artifact]
        if old and new:
            yield (name, *(_change(a, b) for a, b in zip(*columns, strict=True)))
        else:
            yield (name, *columns[0][:-1], "new" if new else "gone")


def _of(artifact: Artifact, quality: str) -> tuple[str, ...]:
    return (
        words.size(artifact.wire_bytes),
        *facts.quality_of(artifact, quality),
        words.STATUS[artifact.status],
    )


def _change(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"
