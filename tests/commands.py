"""Commands of the pipeline as users give them, without the start of processes for each."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner, Result
from kept_lanes import kept

from pipeline.cli.main import main


def pipeline(
    *words: object, cwd: Path | None = None, check: int = 0, **environment: str | None
) -> Result:
    """Run a command in this process, in the folder ``cwd``; it ends with the code ``check``."""
    with chdir(cwd or Path()), kept():
        done = CliRunner(env=environment).invoke(main, [str(word) for word in words])
    assert done.exit_code == check, done.output
    return done
