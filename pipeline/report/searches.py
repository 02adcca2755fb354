"""What searches tried and found, in words and as a chart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.evidence import Evidence, name_search
from pipeline.measures import words
from pipeline.measures.metrics import metric_of
from pipeline.report.upright import axis, ends
from pipeline.report.vega import PALETTE, Spec, layer, of, quantity, svg
from pipeline.search.text import figure, flow, quality

if TYPE_CHECKING:
    from pipeline.report.release import Release
    from pipeline.search.outcome import Outcome, Trial

#: Pixels between the axes: small enough for a phone, whose text is not to be scaled.
WIDTH, HEIGHT = 262, 230

#: Candidates of the table that are shown at once; the rest can be unfolded.
SHOWN = 10

TITLES = {"bytes": "KB of files", "wire_bytes": "KB on the wire", "latency": "time, float32 is 1"}


@dataclass(frozen=True)
class Row:
    """One candidate, as the table shows it."""

    mark: str
    status: str
    recipe: str
    value: str
    quality: str
    seconds: str
    note: str


@dataclass(frozen=True)
class ShownSearch:
    """One search, as the page shows it."""

    variant: str
    timed: bool
    value_title: str
    quality_title: str
    lead: str
    svg: str
    rows: list[Row]
    pinned: str

    @property
    def shown(self) -> list[Row]:
        return self.rows[:SHOWN]

    @property
    def more(self) -> list[Row]:
        return self.rows[SHOWN:]


def read_searches(release: Release, evidence: Evidence) -> Iterator[ShownSearch]:
    """Every search of a release whose trials are at hand."""
    from pipeline.search.outcome import read
    from pipeline.search.text import pinned_config

    for search in release.record.get("searches", []):
        folder = evidence.open(name_search(search["variant"]))
        if folder is not None:
            outcome = read(folder)
            rows = [_row(outcome, trial) for trial in _rank(outcome)]
            timed = outcome.minimize == "latency"
            titles = ("Time" if timed else "Size", words.short_metric(outcome.metric).capitalize())
            yield ShownSearch(
                outcome.variant,
                timed,
                *titles,
                lead(outcome),
                chart(outcome),
                rows,
                pinned_config(outcome),
            )


def lead(outcome: Outcome) -> str:
    """What was searched for, how, and why it ended."""
    least = {"latency": "the shortest time", "bytes": "the fewest bytes"}
    where = words.joined([words.target(target) for target in outcome.targets])
    trials = (
        f"{words.metric(m, outcome.lost)} {words.bound(m, b, outcome.lost)}"
        for m, b in outcome.keep.items()
    )
    keep = words.joined(trials)
    bounds = f" with {keep}" if outcome.keep else ""
    return (
        f"{least.get(outcome.minimize, 'the fewest bytes on the wire')} in "
        f"{words.joined(outcome.formats)}{bounds}: "
        f"{words.count(len(outcome.trials), 'candidate')} in {_time(outcome.spent)}, "
        f"each measured on {where} with "
        f"{words.count(outcome.held_back, 'sample')} held back from calibration"
    )


def lines(release: Release) -> Iterator[str]:
    """One line for each search: what it found, among how many."""
    for search in release.record.get("searches", []):
        candidates = words.count(search["tried"], "candidate")
        yield f"{search['variant']} is {flow(search['recipe'])}, the best of {candidates}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _rank(outcome: Outcome) -> list[Trial]:
    """What keeps the bounds, the best first; then what misses them, the nearest first."""

    def rank(trial: Trial) -> tuple[bool, bool, float, float]:
        value = trial.value if trial.value is not None else float("inf")
        return trial.value is None, bool(trial.missed), trial.shortfall, value

    return sorted(outcome.trials, key=rank)


def _row(outcome: Outcome, trial: Trial) -> Row:
    status, of = "pass" if trial.feasible else "fail", outcome.lost
    missed = [
        f"{words.metric(m.metric, of)} {words.value_of(m.metric, m.value, of)}"
        for m in trial.misses()
    ]
    return Row(
        "★" if trial is outcome.best else words.MARKS[status],
        status,
        flow(trial.recipe) if trial.recipe else "float32",
        figure(outcome.minimize, trial.value) + _interval(trial),
        quality(outcome.metric, trial.quality),
        f"{trial.seconds:.0f} s",
        trial.error or words.joined(list(dict.fromkeys(missed))),
    )


def _interval(trial: Trial) -> str:
    """`` (0.57 to 0.63)`` of a ratio that was timed."""
    if trial.low is None or trial.high is None or trial.low == trial.high:
        return ""
    return f" ({trial.low:.2f} to {trial.high:.2f})"


def chart(outcome: Outcome) -> str:
    """What is minimized against quality: candidates, the front, and what was chosen.

    Returns:
        An SVG; empty where nothing could be measured twice.
    """
    measured = [t for t in outcome.trials if t.value is not None and t.quality is not None]
    if len(measured) < 2:
        return ""
    rows = [_point(outcome, trial) for trial in measured]
    front = [_point(outcome, trial) for trial in outcome.front() if trial.quality is not None]
    return svg(_layers(outcome, rows, front), WIDTH, HEIGHT)


def _point(outcome: Outcome, trial: Trial) -> dict[str, Any]:
    unit = 1.0 if outcome.minimize == "latency" else 1000.0
    return {
        "value": (trial.value or 0.0) / unit,
        "quality": trial.quality,
        "kept": trial.feasible,
        "best": trial is outcome.best,
    }


def _layers(
    outcome: Outcome, rows: Sequence[Mapping[str, Any]], front: Sequence[Mapping[str, Any]]
) -> list[Spec]:
    metric = metric_of(outcome.metric)
    reach = ends(metric, [row["quality"] for row in rows], 1 / 6, whole=False)
    x = _across([row["value"] for row in rows], TITLES[outcome.minimize])
    y = axis(metric, "quality", reach)
    dot = {"type": "point", "size": 55, "opacity": 1, "clip": True}
    star = {**dot, "filled": True, "size": 130, "color": PALETTE["better"]}
    encoding = {**dot, "filled": True, "color": PALETTE["first"]}
    missed = {**dot, "filled": False, "color": PALETTE["same"]}
    step = {"type": "line", "color": PALETTE["same"], "interpolate": "step-after", "opacity": 0.5}
    step["clip"] = True
    return [
        *of(front, layer(step, x=x, y=y)),
        *of(
            rows,
            layer(missed, "!datum.kept", x=x, y=y),
            layer(encoding, "datum.kept && !datum.best", x=x, y=y),
            layer(star, "datum.best", x=x, y=y),
        ),
    ]


def _across(values: Sequence[float], title: str) -> Spec:
    """An axis on which a half looks the same wherever it is: candidates differ by factors."""
    low, high = min(values) / 1.15, max(values) * 1.15
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    axis = {"title": title, "values": [t for t in ticks if low <= t <= high], "grid": False}
    if high / low < 4:  # too few of them
        axis = {"title": title, "tickCount": 5, "grid": False}
    x = quantity("value", (low, high), {**axis, "format": "~g"})
    return {**x, "scale": {"type": "log", "domain": (low, high), "nice": False}}
