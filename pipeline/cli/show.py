"""What commands print: tables for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.table import table
from pipeline.report import terminal
from pipeline.report.release import Release as Reported
from pipeline.validate.verdict import by_cause

if TYPE_CHECKING:
    from pipeline.build.result import Built
    from pipeline.cli.doctor import Check
    from pipeline.engine.graph import Node
    from pipeline.plan import Plan
    from pipeline.publish.release.release import PublishedRelease


def built(result: Built, as_json: bool, release: PublishedRelease | None = None) -> None:
    """What a build proved, and where it is published."""
    if as_json:
        shown = release.manifest if release else result.manifest
        keys = ("folder", "new", "signed")
        published = {key: getattr(release, key) for key in keys} if release else None
        click.echo(json.dumps({"manifest": shown, "published": published}))
        return
    terminal.show(Reported(result.manifest))
    for name, reason in result.left_out.items():
        click.echo(click.style(f"left out {name}: {reason}", dim=True))
    for artifact in result.manifest["dropped"]:
        because = f"dominated by {artifact['dominated_by']}: {artifact['dominated_reason']}"
        click.echo(click.style(f"left out {artifact['id']}: {because}", dim=True))
    if release:
        _published(result, release)
    else:
        click.secho("the whole report: pipeline report CONFIG --open", dim=True)


def _published(result: Built, release: PublishedRelease) -> None:
    verb = "published" if release.new else "already published, unchanged:"
    click.echo(f"{verb} {release.folder}/{result.channel}.json -> release {release.id}")
    if report := release.manifest.get("report"):
        click.echo(f"report {release.folder}/{report}")
    click.echo("signed" if release.signed else "not signed: --sign-key FILE signs it")
    for note in release.notes:
        click.echo(f"note: {note}")
    # Every target was named by the config, none came with ``all``.
    if result.command and all(proof.required for proof in result.verdict.proofs):
        words = f"{result.command} --set validate.backends=all --set publish.compress=best"
        click.secho(f"proved on every backend and browser here, compressed best: {words}", dim=True)


#: Artifact -> target -> why it cannot run there.
Lacking = Mapping[str, Mapping[str, str]]


def plan(planned: Plan, as_json: bool, lacking: Lacking | None = None) -> None:
    """The artifacts and steps of a plan, and what is left out and why.

    Args:
        lacking: what a look into the model found.
    """
    lacking = lacking or {}
    if as_json:
        click.echo(json.dumps(_plan_json(planned) | {"cannot_run": lacking}))
        return
    click.echo(f"{planned.config.name}: {len(planned.nodes)} steps")
    rows = [
        (a.id, ", ".join(name for name in a.proofs if name not in lacking.get(a.id, {})))
        for a in planned.artifacts
    ]
    table(("artifact", "proved on"), rows)
    for line in _unavailable(lacking):
        click.echo(f"{click.style('unavailable', fg='yellow')} {line}")
    for line in by_cause(planned.failed.values()):
        click.echo(f"{click.style('cannot be made', fg='red')} {line}")
    for left in planned.left_out:
        click.echo(f"{click.style('left out', fg='yellow')} {left.id}: {left.reason}")
    for note in planned.notes:
        click.echo(f"{click.style('note', fg='yellow')} {note}")
    for name, reason in planned.searches.unknown.items():
        click.echo(f"{click.style('to be found', fg='cyan')} {name}: {reason}")
    for name, outcome in planned.searches.outcomes.items():
        click.echo(f"{click.style('found', fg='green')} {name}: {_search_in_words(outcome)}")
    click.echo()
    steps = [(n.id, n.lane or n.function.lane, _needs(n)) for n in planned.nodes.values()]
    table(("step", "runs in", "needs"), steps)


def _unavailable(lacking: Lacking) -> Iterator[str]:
    """Each reason once, with all that it holds for."""
    causes: dict[str, dict[str, None]] = {}
    for artifact, reasons in lacking.items():
        for target, reason in reasons.items():
            causes.setdefault(reason, {})[f"{artifact} on {target}"] = None
    for reason, places in causes.items():
        yield f"{', '.join(places)}: {reason}"


def _search_in_words(outcome: Mapping[str, Any]) -> str:
    from pipeline.search.outcome import from_json
    from pipeline.search.text import flow

    best = from_json(outcome).best
    return f"{flow(best.recipe if best else {})}, the best of {len(outcome['trials'])} candidates"


def _needs(node: Node) -> str:
    needs = ", ".join(node.needs())
    return needs if len(needs) < 60 else needs[:57] + "…"


def _plan_json(planned: Plan) -> dict[str, Any]:
    steps = [
        {"id": n.id, "lane": n.lane or n.function.lane, "needs": n.needs()}
        for n in planned.nodes.values()
    ]
    artifacts = [{"id": a.id, "backends": list(a.proofs)} for a in planned.artifacts]
    left_out = [{"id": left.id, "reason": left.reason} for left in planned.left_out]
    name = planned.config.name
    return {
        "name": name,
        "artifacts": artifacts,
        "left_out": left_out,
        "failed": [vars(failed) for failed in planned.failed.values()],
        "notes": planned.notes,
        "to_be_found": dict(planned.searches.unknown),
        "found": {name: outcome["trials"] for name, outcome in planned.searches.outcomes.items()},
        "steps": steps,
    }


def cdn(folder: str, as_json: bool) -> None:
    """The models, channels and releases of a CDN folder, wherever it is."""
    from pipeline.cdn.index import known_index
    from pipeline.publish.release.release import explain_errors
    from pipeline.storage import open_readable

    storage = open_readable(folder)
    with explain_errors(storage, "give read access, then try again"):
        models = known_index(storage)
    if as_json:
        click.echo(json.dumps({"models": models}))
        return
    rows = []
    for name, model in models.items():
        for release in reversed(model["releases"]):
            pointing = [
                c for c, target in model["channels"].items() if target == release["release"]
            ]
            artifacts = ", ".join(release["artifacts"])
            rows.append(
                (name, release["release"], release["created"], ", ".join(pointing), artifacts)
            )
    table(("model", "release", "created", "channels", "artifacts"), rows)


def checks(results: Sequence[Check], as_json: bool) -> None:
    """The result of ``pipeline doctor``."""
    if as_json:
        click.echo(json.dumps([vars(check) for check in results]))
        return
    rows = [_check_row(check) for check in results]
    table(("", "tool", "found", "to mend it"), rows)


def _check_row(check: Check) -> tuple[str, ...]:
    if check.ok:
        return click.style("✓", fg="green"), check.name, check.found, ""
    mark = click.style("✗", fg="red") if check.required else click.style("–", fg="yellow")
    return mark, check.name, check.found or "missing", check.mend
