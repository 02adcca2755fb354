"""The report as one HTML page that needs nothing else: no network, no font, no script to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.evidence import NO_EVIDENCE, Evidence
from pipeline.base.digest import integrity
from pipeline.measures import words
from pipeline.report import bars, cascades, facts, searches
from pipeline.report.artifact import Group
from pipeline.report.proof import Proof
from pipeline.report.quality import size_against_quality
from pipeline.report.release import Release
from pipeline.report.samples import VISIBLE, alike, worst_samples
from pipeline.report.summary import summarize
from pipeline.report.vega import PALETTE

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"

#: Colours of a dark page, by the name of the light one's.
DARK = {
    "ink": "#e8ebf0",
    "quiet": "#a9b3c1",
    "line": "#343c48",
    "first": "#7fb0ff",
    "second": "#d39bf0",
    "third": "#f0a35e",
    "fourth": "#5fc9cf",
    "better": "#5fcf9f",
    "worse": "#ff9088",
    "same": "#97a3b3",
    "paper": "#14181f",
}


@dataclass(frozen=True)
class Context:
    """What a manifest does not say."""

    command: str = ""
    """The command that makes this release anew."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Artifacts that were not made, each with the reason."""
    evidence: Evidence = NO_EVIDENCE
    snippet: str = ""
    """JavaScript that loads this release and no other; none of what was not published."""


@dataclass(frozen=True)
class Bars:
    """One target's chart of times."""

    target: str
    proof: Proof
    svg: Any
    label: str


def page(release: Release, context: Context) -> str:
    """The whole page."""
    return _environment().get_template("page.html").render(_template_values(release, context))


@cache
def _environment() -> Environment:
    """What compiles the templates, each once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(_words(), of_proof=facts.of_proof, marks=words.MARKS)
    environment.globals.update(_script())
    return environment


def _script() -> dict[str, Any]:
    """The page's one script, and what its policy allows it by: no other one runs."""
    from markupsafe import Markup

    text = (TEMPLATES / "copy.js").read_text()
    return {"script": Markup(text), "script_hash": integrity(text.encode())}  # noqa: S704


def _words() -> dict[str, Callable[..., str]]:
    names = ("size", "percent", "milliseconds", "number", "metric", "value_of", "engine", "target")
    more = ("targets", "count", "joined", "interval", "score")
    return {name: getattr(words, name) for name in (*names, *more)}


def _template_values(release: Release, context: Context) -> dict[str, Any]:
    """Everything that the templates name."""
    return {
        "release": release,
        "manifest": release.record,
        "verdict": summarize(release),
        "context": context,
        "palette": PALETTE,
        "dark": DARK,
        "quality": _quality(release),
        "groups": release.groups,
        "columns": _columns,
        "bars": _bars,
        "cascades": list(_cascades(release, context.evidence)),
        "searches": _searches(release, context.evidence),
        "worst": worst_samples(release, context.evidence),
        "alike": alike(release),
        "visible": words.number(VISIBLE),
        "half": facts.half_precision(release.artifacts),
        "integers": facts.integers(release.artifacts),
        "exact": facts.exact(release.artifacts),
        "places": facts.places(release),
        "left_out": [*context.left_out, *release.dropped],
        "status": words.STATUS,
        "kinds": words.KINDS,
    }


def _quality(release: Release) -> dict[str, Any]:
    """The same chart for a wide page and for a phone: text that is scaled cannot be read."""
    wide = size_against_quality(release, 1010, 330)
    narrow = size_against_quality(release, 262, 300, short=True)
    return {"wide": _safe(wide), "narrow": _safe(narrow)}


def _cascades(release: Release, evidence: Evidence) -> Iterator[dict[str, Any]]:
    for cascade in cascades.cascades(release):
        svg = cascades.chart(cascade, cascades.curve(release, cascade, evidence))
        rows = list(cascades.rows(cascade))
        measured = cascades.metric_in_words(cascade["expected"]["metric"])
        shown = {"headline": cascades.headline(cascade), "measured": measured}
        yield {**shown, "svg": _safe(svg), "rows": rows}


def _searches(release: Release, evidence: Evidence) -> list[searches.ShownSearch]:
    shown = searches.read_searches(release, evidence)
    return [replace(search, svg=_safe(search.svg) if search.svg else "") for search in shown]


def _safe(svg: str) -> Any:
    """Vega escapes what it draws; without its own size, CSS gives the drawing one."""
    from markupsafe import Markup

    # One name for the whole picture; its numbers are in a table beside it.
    return Markup(svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))  # noqa: S704


def _columns(group: Group) -> dict[str, list[str]]:
    """Backend -> its targets, in the order of the matrix."""
    columns: dict[str, list[str]] = {}
    for name in group.targets:
        columns.setdefault(name.partition("@")[0], []).append(name)
    return columns


def _bars(group: Group) -> list[Bars]:
    charts = []
    top = bars.longest(group.artifacts)
    for name in group.targets:
        if svg := bars.latency(group, name, 130, top):
            proof = next(p for a in group.artifacts if (p := a.proof(name)) and p.ran)
            charts.append(Bars(name, proof, _safe(svg), _spoken(group, name)))
    return charts


def _spoken(group: Group, target: str) -> str:
    """A chart's numbers as a screen reader says them."""
    lines = []
    for artifact in group.artifacts:
        proof = artifact.proof(target)
        if proof is None or (ms := group.milliseconds(proof)) is None:
            continue
        ratio = proof.ratio
        against = f", {ratio.value:.2f} of float32's time" if ratio else ""
        lines.append(f"{artifact.id} {words.milliseconds(ms)}{against}")
    return f"Times on {words.target(target)}: {'; '.join(lines)}."
