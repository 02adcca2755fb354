"""What was tried, as a table, and what to write into the config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.table import table
from pipeline.fitting.ways import Way, config_of
from pipeline.measures import words

if TYPE_CHECKING:
    from pipeline.inputs.image.options import ImageOptions

HEAD = ("right", "scale", "channels", "resize", "labels", "")


def show(result: Mapping[str, Any], image: ImageOptions) -> None:
    """Print the table, the best way first, and the advice."""
    table(HEAD, [_row(row, row == result["config"]) for row in result["tried"]])
    for line in advice(result, image):
        click.echo(line)


def _row(row: Mapping[str, Any], is_configured: bool) -> tuple[str, ...]:
    way = row["way"]
    mark = "the config's" if is_configured else "better" if row["better"] else ""
    return (
        words.percent(row["right"]),
        *(way[key] for key in ("scale", "channels", "resize")),
        row["labels"],
        mark,
    )


def advice(result: Mapping[str, Any], image: ImageOptions) -> Iterator[str]:
    """What fits best, and what the config is to say."""
    best, configured, count = result["tried"][0], result["config"], result["samples"]
    asked = f"{words.percent(configured['right'])} of {words.count(count, 'sample')}"
    if not best["better"]:
        yield f"Nothing fits clearly better than what the config says: {asked} are right."
        return
    yield f"The config's way is right on {asked}; the best one on {words.percent(best['right'])}."
    way = Way(**best["way"])
    if way.sayable:
        yield f"  input: {{image: {{{config_of(way, image)}}}}}"
    yield from _unsayable(best)


def _unsayable(best: Mapping[str, Any]) -> Iterator[str]:
    """What `input.image` has no words for, and what to do then."""
    way = Way(**best["way"])
    if not way.sayable:
        yield (
            f"input.image cannot say resizing: {way.resize}; put it into the model as its first "
            "layer, or train the model a little further with what input.image does"
        )
    if best["labels"] != "as given":
        yield (
            f"labels are in another order: {best['labels']}; name the folders of the samples so "
            "that they sort as the model's classes do, and list `labels` in that order"
        )
