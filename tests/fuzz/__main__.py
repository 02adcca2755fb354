"""``python -m tests.fuzz``: damaged model files of every kind, thousands of them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from tests.fuzz.campaign import run
from tests.fuzz.models import write_models


@click.command()
@click.argument("kinds", nargs=-1)
@click.option("--count", default=10_000, show_default=True, help="Files of all kinds together.")
@click.option("--seed", default=0, show_default=True, help="Where the seeds begin.")
def main(kinds: tuple[str, ...], count: int, seed: int) -> None:
    """Mutate a model's file of each of KINDS, all by default, and open it as a build does."""
    faults = []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        models = write_models(Path(name) / "models")
        chosen = {kind: models[kind] for kind in kinds or models}
        seeds = range(seed, seed + -(-count // len(chosen)))
        for kind, tally in run(chosen, seeds, Path(name) / "work").items():
            click.echo(f"{kind}: {tally}")
            click.echo("".join(f"  {fault}\n" for fault in tally.faults), nl=False)
            faults += tally.faults
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
