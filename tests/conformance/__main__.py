"""``python -m tests.conformance``: what becomes of every layer and architecture of Keras 3."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tests.conformance import results, table
from tests.conformance.case import Case
from tests.conformance.run import Effort, run

HERE = Path(__file__).parents[2]
FOLDER = HERE / "artifacts" / "conformance"
BACKENDS = ("onnxruntime-cpu", "tfjs-wasm", "ort-wasm", "tfjs-webgl", "tfjs-webgpu")


@click.command()
@click.argument("filters", nargs=-1)
@click.option("--backends", default=",".join(BACKENDS), show_default=True)
@click.option("--formats", default="tfjs-layers,tfjs-graph,onnx", show_default=True)
@click.option("--group", type=click.Choice(["layers", "composed", "applications"]))
@click.option("--peers/--no-peers", default=True, help="Also with the converters of others.")
@click.option("--again", is_flag=True, help="Also what has a result.")
@click.option("--huge", is_flag=True, help="Also applications of over 200 MB.")
@click.option("--state", help="Only what had this outcome somewhere: wrong, crashed, refused.")
@click.option("--write", is_flag=True, help="Write docs/conformance.md.")
def main(
    filters: tuple[str, ...],
    *,
    backends: str,
    formats: str,
    group: str | None,
    peers: bool,
    again: bool,
    huge: bool,
    state: str | None,
    write: bool,
) -> None:
    """Export models whose id holds one of FILTERS, all by default, and run them everywhere."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    effort = Effort(tuple(formats.split(",")), tuple(backends.split(",")), peers, again)
    known = results.Results(FOLDER / "results.json")
    chosen = [c for c in _chosen(filters, huge) if group in (None, c.group)]
    if state:
        chosen = [case for case in chosen if known.has(case.id, state)]
    for line in run(chosen, effort, known, FOLDER / "work"):
        click.echo(line)
    if write:
        (HERE / "docs" / "conformance.md").write_text(table.markdown(known))
    click.echo(table.summary(known))


def _chosen(filters: Sequence[str], huge: bool) -> Iterator[Case]:
    from tests.conformance.models import applications, cases

    for case in cases(tuple(filters)):
        if huge or case.covers not in applications.HUGE:
            yield case


if __name__ == "__main__":
    sys.exit(main())
