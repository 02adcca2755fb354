"""A release on a terminal: one row an artifact, one column a backend, engines side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import fill

import click

from pipeline.base.table import table
from pipeline.measures import words
from pipeline.report import cascades, chance, facts, searches
from pipeline.report.artifact import Artifact, Group
from pipeline.report.proof import Proof
from pipeline.report.release import Release
from pipeline.report.summary import Pick, summarize
from pipeline.validate.verdict import Status

COLOURS = {"pass": "green", "fail": "red", "unavailable": "yellow"}

WIDTH = 110


def show(release: Release) -> None:
    """Print what was proved, where, and what it means."""
    for group in release.groups:
        _group(group, release.quality)
        click.echo()
    notes = (*_legend(release), *_hardware(release), *_not_applied(release))
    for line in (*notes, *_single(release), *_source(release)):
        click.secho(fill(line, WIDTH, subsequent_indent="  "), dim=True)
    _verdict(release)


def _group(group: Group, quality: str) -> None:
    columns: dict[str, list[str]] = {}
    for target in group.targets:
        columns.setdefault(target.partition("@")[0], []).append(target)
    heads = [_column_head(backend, targets) for backend, targets in columns.items()]
    rows = [
        (
            *_artifact(artifact, quality),
            *(_cell(group, artifact, targets) for targets in columns.values()),
        )
        for artifact in group.artifacts
    ]
    head = ("artifact", "size", words.metric(quality), words.metric("max_abs_error"))
    table((*head, *heads), rows, numbers=(1, 2, 3))


def _column_head(backend: str, targets: Sequence[str]) -> str:
    letters = "".join(target.partition("@")[2][:1].upper() for target in targets)
    return f"{backend} {letters}".strip()


def _artifact(artifact: Artifact, quality: str) -> tuple[str, ...]:
    marks = (" ≥" if artifact.dominated_by else "") + (" ½" if artifact.half_safe is False else "")
    marks += "" if artifact.portable else " ‡"
    return (
        artifact.id + marks,
        words.size(artifact.wire_bytes),
        *facts.quality_of(artifact, quality),
    )


def _cell(group: Group, artifact: Artifact, targets: Sequence[str]) -> str:
    """``✓✓– 1.1 ms``: a mark an engine, and the time on the quickest."""
    proofs = [artifact.proof(target) for target in targets]
    marks = "".join(_mark(proof.status) if proof else " " for proof in proofs)
    return f"{marks} {_quickest(group, [proof for proof in proofs if proof])}".rstrip()


def _mark(status: Status) -> str:
    return click.style(words.MARKS[status], fg=COLOURS[status])


def _quickest(group: Group, proofs: Sequence[Proof]) -> str:
    times = [ms for proof in proofs if (ms := group.milliseconds(proof)) is not None]
    return click.style(words.milliseconds(min(times)), dim=True) if times else ""


def _legend(release: Release) -> Iterator[str]:
    engines = dict.fromkeys(proof.engine for proof in release.proofs if proof.engine)
    letters = [f"{engine[0].upper()} {words.engine(engine)}" for engine in engines]
    marks = "✓ passed, ✗ failed, – could not run"
    sizes = "sizes after brotli" if release.compressed else "sizes before compression"
    named = [", ".join(letters)] if letters else []
    yield "; ".join([*named, marks, "median on the fastest", sizes])
    if dominated := [a for a in release.artifacts if a.dominated_by]:
        of = [f"{artifact.id} by {artifact.dominated_by}" for artifact in dominated]
        yield f"≥ dominated, no smaller, faster or better than another: {', '.join(of)}"
    if lossy := [artifact.id for artifact in release.artifacts if artifact.half_safe is False]:
        yield f"½ not safe on half-precision GPUs: {', '.join(lossy)}"
    for artifact, sums in facts.integers(a for a in release.artifacts if not a.portable):
        yield f"‡ {artifact} is {sums}"
    for artifact, stayed in facts.exact(release.artifacts):
        yield f"{artifact}: {stayed}"


def _hardware(release: Release) -> Iterator[str]:
    """Each piece of hardware once, with the backends that ran on it."""
    targets_of: dict[str, dict[str, None]] = {}
    for proof in release.proofs:
        if hardware := proof.hardware:
            kind = words.KINDS.get(hardware["kind"], hardware["kind"])
            targets_of.setdefault(f"{hardware['name']} ({kind})", {})[proof.target] = None
    for named, targets in targets_of.items():
        yield f"{named}: {_compact(targets)}"


def _not_applied(release: Release) -> Iterator[str]:
    """Gates that said nothing somewhere, each reason once."""
    targets_of: dict[tuple[str, str], dict[str, None]] = {}
    for proof in release.proofs:
        for gate in proof.not_applied:
            targets_of.setdefault((gate["metric"], gate["reason"]), {})[proof.target] = None
    for (metric, reason), targets in targets_of.items():
        yield f"gate {metric} not applied, {reason}: {_compact(targets)}"


def _single(release: Release) -> Iterator[str]:
    """What ran sample by sample, each reason once."""
    proofs_of: dict[str, dict[str, None]] = {}
    for proof in release.proofs:
        if proof.single_samples:
            proofs_of.setdefault(proof.single_samples, {})[f"{proof.artifact} {proof.target}"] = (
                None
            )
    for reason, proofs in proofs_of.items():
        yield f"{', '.join(proofs)}: one sample at a time, as pages do; a batch failed: {reason}"


def _compact(targets: Iterable[str]) -> str:
    """``tfjs-wasm CFW, onnxruntime-cpu``."""
    letters: dict[str, str] = {}
    for backend, _, engine in (target.partition("@") for target in targets):
        letters[backend] = letters.get(backend, "") + engine[:1].upper()
    return ", ".join(f"{backend} {engines}".strip() for backend, engines in letters.items())


def _source(release: Release) -> Iterator[str]:
    if accuracy := release.accuracy:
        shown = f"{words.metric(accuracy['metric'])} {words.score(accuracy)}"
        interval = words.interval(accuracy).strip(" ()")
        known = f", 95 % interval {interval}" if interval else ""
        unseen = chance.unseen(accuracy)
        yield f"source: {shown} on {accuracy['samples']} samples{known}{unseen}"


def _verdict(release: Release) -> None:
    summary = summarize(release)
    for line in summary.failures:
        click.echo(f"{_mark('fail')} {fill(line, WIDTH, subsequent_indent='  ')}")
    for line in summary.undecided:
        click.echo(fill(f"{words.UNDECIDED} {line}", WIDTH, subsequent_indent="  "))
    for gap in summary.missing:
        where = words.targets(gap.targets)
        needed = "" if gap.required else "; not required"
        click.echo(f"{_mark('unavailable')} {where} unavailable: {gap.reason}{needed}")
    for group in dict.fromkeys(pick.group for pick in summary.picks):
        picked = [pick for pick in summary.picks if pick.group == group]
        click.echo(f"{group}: {', '.join(map(_pick, picked))}")
    for cascade in cascades.cascades(release):
        line = f"cascade {cascades.headline(cascade)}: {cascades.expected_in_words(cascade)}"
        click.echo(fill(line, WIDTH, subsequent_indent="  "))
    for line in searches.lines(release):
        click.echo(fill(f"found by a search: {line}", WIDTH, subsequent_indent="  "))
    click.secho(summary.headline, fg="green" if summary.ok else "red", bold=True)


def _pick(pick: Pick) -> str:
    return f"{pick.kind} {click.style(pick.artifact, bold=True)} {pick.figure}"
