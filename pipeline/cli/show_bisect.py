"""What a person reads of a bisection, and where its reproduction goes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pipeline.base.errors import ConfigError
from pipeline.base.table import table
from pipeline.bisect.reproduce import FACTS

#: How many nodes of the ranking are shown.
RANKED = 8

#: An output that is this many times worse read alone owes it to fused nodes.
FUSED = 4


def show(result: Mapping[str, Any], reproduction: Path | None) -> None:
    """Print the first wrong node, and the nodes that add the largest errors."""
    click.echo(
        f"{result['artifact']} on {result['target']} ({result['hardware']['name']}): "
        f"{result['compared']} of {result['nodes']} nodes compared on samples "
        f"{', '.join(map(str, result['samples']))}"
    )
    for name, output in result["outputs"].items():
        click.echo(f"output {name}: error {_number(output['error'])} of its range")
    first = result["first"]
    if first is None:
        click.secho(
            f"within tolerance everywhere: no node adds more than {result['tolerance']:.1e}",
            fg="green",
        )
        _show_fused(result)
    else:
        _show_first(first, result)
    if reproduction is not None:
        click.echo(f"to see it without this pipeline: {reproduction / 'README.md'}")
    click.echo("\nnodes by the error that they add, as a share of their output's range:")
    rows = [_row(finding) for finding in result["ranking"][:RANKED]]
    table(("node", "op", "before", "after", "adds"), rows, numbers=(2, 3, 4))


def _show_fused(result: Mapping[str, Any]) -> None:
    """Say which outputs are wrong only where the runtime may fuse nodes."""
    for name, output in result["outputs"].items():
        alone, together = output["error"], output["error_while_all_is_read"]
        if None not in (alone, together) and alone > FUSED * together + result["tolerance"]:
            click.secho(
                f"but {name} is off by {_number(alone)}, and by {_number(together)} while what "
                "lies between its nodes is read: what the runtime fuses adds the rest",
                fg="yellow",
            )


def _show_first(first: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    click.secho(f"first wrong node: {first['node']} ({first['op']})", fg="red", bold=True)
    if first["reason"]:
        click.echo(f"  it {first['reason']}")
    if first["with"]:
        others = ", ".join(f"{node['node']} ({node['op']})" for node in first["with"])
        click.echo(f"  together with   {others}, which equal nothing in the source")
    click.echo(f"  in the source   {first['source']}")
    click.echo(f"  error before    {_number(first['error_before'])}, the largest of its inputs")
    click.echo(f"  error after     {_number(first['error_after'])}")
    added, tolerated = _number(first["error_added"]), _number(result["tolerance"])
    click.echo(f"  error it adds   {added}, given the source's inputs; tolerated {tolerated}")
    if more := len(result["wrong"]) - 1:
        click.echo(f"  {more} more {'nodes are' if more > 1 else 'node is'} wrong by themselves")


def _row(finding: Mapping[str, Any]) -> tuple[str, ...]:
    errors = (_number(finding[f"error_{key}"]) for key in ("before", "after", "added"))
    return (finding["node"], finding["op"], *errors)


def _number(error: float | None) -> str:
    return "∞" if error is None else f"{error:.1e}"


def keep(reproduction: Path, output: Path) -> Path:
    """Copy a reproduction out of the store; an earlier one there is replaced.

    Raises:
        ConfigError: something else is there.
    """
    if output.exists() and any(output.iterdir()) and not (output / FACTS).exists():
        raise ConfigError(
            "the folder holds something else than a reproduction",
            where=f"--output {output}",
            todo="name an empty or a new folder",
        )
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    for path in reproduction.iterdir():
        # Not its mode: in the store everything is read-only.
        shutil.copyfile(path, output / path.name)
    return output
