"""A release as GitHub-flavoured Markdown, short enough for a CI job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pipeline.measures import words
from pipeline.report import cascades, chance, facts, searches
from pipeline.report.artifact import Artifact, Group
from pipeline.report.release import Release
from pipeline.report.summary import Summary, summarize

PICKS = ("smallest", "fastest", "safest")


def markdown(release: Release) -> str:
    """The verdict, what to ship, and a table of every artifact on every target."""
    summary = summarize(release)
    parts = [
        _head(release, summary),
        "\n".join(_problems(summary)),
        *(_group(group, release.quality) for group in release.groups),
        _ship(release, summary),
        "\n".join(_cascades(release)),
        "\n".join(f"- Found by a search: {text(line)}." for line in searches.lines(release)),
        _foot(release),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def text(value: str) -> str:
    """A name or reason as text: nothing in it is markup, nor ends a table's cell."""
    one_line = " ".join(value.split())
    return re.sub(r"([\\`*_\[\]<>|~&#!@])", r"\\\1", one_line)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table; ``numbers`` are aligned to the right."""
    rules = ["--:" if i in numbers else "---" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rules, *rows))


def _head(release: Release, summary: Summary) -> str:
    mark = words.MARKS["pass" if summary.ok else "fail"]
    named = f" `{release.id}`" if release.id else ""
    proofs = ", ".join(
        f"{words.MARKS[status]} {count} {words.STATUS[status]}"
        for status, count in summary.proofs.items()
    )
    return f"## {text(release.name)}{named}\n\n**{mark} {summary.headline}** Proofs: {proofs}."


def _problems(summary: Summary) -> Iterator[str]:
    for failure in summary.failures:
        yield f"- {words.MARKS['fail']} {text(failure)}"
    for line in summary.undecided:
        yield f"- {words.UNDECIDED} {text(line)}"
    for gap in summary.missing:
        needed = "" if gap.required else " (not required)"
        where = text(words.targets(gap.targets))
        yield f"- {words.MARKS['unavailable']} {where}: {text(gap.reason)}{needed}"


def _group(group: Group, quality: str) -> str:
    measured = (words.metric(name).capitalize() for name in (quality, "max_abs_error"))
    head = ("Artifact", "Size", *map(text, measured), *map(_column, group.targets))
    rows = [
        (
            *_artifact(artifact, quality),
            *(_cell(group, artifact, target) for target in group.targets),
        )
        for artifact in group.artifacts
    ]
    return table(head, rows, numbers=(1, 2, 3))


def _column(target: str) -> str:
    backend, _, engine = target.partition("@")
    return f"{text(backend)}<br>{text(words.engine(engine))}" if engine else text(backend)


def _artifact(artifact: Artifact, quality: str) -> tuple[str, ...]:
    dominated = " ≥" if artifact.dominated_by else ""
    return (
        f"{words.MARKS[artifact.status]} {text(artifact.id)}{dominated}",
        words.size(artifact.wire_bytes),
        *map(text, facts.quality_of(artifact, quality)),
    )


def _cell(group: Group, artifact: Artifact, target: str) -> str:
    proof = artifact.proof(target)
    if proof is None:
        return ""
    ms = group.milliseconds(proof)
    time = f" {words.milliseconds(ms)}" if ms is not None else ""
    star = "\\*" if time and proof.software else ""
    return f"{words.MARKS[proof.status]}{time}{star}"


def _ship(release: Release, summary: Summary) -> str:
    groups = dict.fromkeys(pick.group for pick in summary.picks)
    by_place = {(pick.group, pick.kind): pick for pick in summary.picks}
    rows = []
    for group in groups:
        picks = [by_place.get((group, kind)) for kind in PICKS]
        cells = [f"**{text(p.artifact)}** {p.figure}" if p else "" for p in picks]
        rows.append((text(group), *cells))
    return table(("Ship", *map(str.capitalize, PICKS)), rows) if rows else ""


def _cascades(release: Release) -> Iterator[str]:
    for cascade in cascades.cascades(release):
        expected = cascades.expected_in_words(cascade)
        yield f"- Cascade: {text(cascades.headline(cascade))}: {expected}."


def _foot(release: Release) -> str:
    said = []
    if accuracy := release.accuracy:
        shown = text(f"{words.metric(accuracy['metric'])} {words.score(accuracy)}")
        count = words.count(accuracy["samples"], "sample")
        said.append(f"The source model: {shown} on {count}{chance.unseen(accuracy)}.")
    if any(proof.software and proof.median_ms for proof in release.proofs):
        said.append("\\* On a software rasterizer, which says nothing of a GPU's speed.")
    if any(artifact.dominated_by for artifact in release.artifacts):
        said.append("≥ dominated: no smaller, faster or better than another.")
    for artifact, sums in facts.integers(a for a in release.artifacts if not a.portable):
        said.append(f"{text(artifact)} is {sums}.")
    for artifact, stayed in facts.exact(release.artifacts):
        said.append(f"{text(artifact)}: {text(stayed)}.")
    if release.compressed:
        said.append("Sizes are after brotli, as they go over the wire.")
    return " ".join(said)
