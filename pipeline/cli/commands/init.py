"""`pipeline init` writes a config for a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.files import write_aside
from pipeline.cli.commands.common import JSON, STORE, open_store
from pipeline.draft.ci import FILE

if TYPE_CHECKING:
    from pipeline.draft.ci import Workflow
    from pipeline.draft.config import Draft


@click.command("init")
@click.argument("model", required=False)
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The config to write.  [default: configs/NAME.yaml]",
)
@click.option("--name", help="What to call the model.  [default: told by its file]")
@click.option("--license", "licence", help="The model's licence, as an SPDX identifier.")
@click.option(
    "--samples",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Images of yours, best with one folder for each class: the usual ways to prepare them are "
    "tried, and the one that is right most often is taken.",
)
@click.option("--ci", is_flag=True, help="Write a workflow too, which builds and proves on GitHub.")
@click.option(
    "--action",
    metavar="OWNER/REPO@COMMIT",
    help="With --ci: the action that it uses. Without, pip installs what is to be named there.",
)
@STORE
@JSON
def command(
    model: str | None,
    *,
    to: Path | None,
    name: str | None,
    licence: str | None,
    samples: Path | None,
    ci: bool,
    action: str | None,
    store_path: str,
    as_json: bool,
) -> None:
    """Write a config for MODEL: a file, a folder, an address, or a name on a hub.

    It looks at the model: what goes in and comes out, what it is likely for, which formats and
    backends hold it. What a model does not tell is marked in the config. Without MODEL, the config
    is of a small one that ships with the package, to see what comes of it.

    \b
    Examples:
      pipeline init
      pipeline init model.onnx
      pipeline init saved_model/ --samples photos/
      pipeline init model.onnx --ci
      pipeline init onnx-community/mobilenet_v2_1.0_224 --to configs/v2.yaml
    """
    from dataclasses import replace

    from pipeline.cli.progress import JsonLines, Lines
    from pipeline.draft.ci import plan_workflow
    from pipeline.draft.source import TOUR, name_source, named_from, to_name
    from pipeline.draft.write import write_config

    folder = to.parent if to else Path("configs")
    named = name_source(model, folder) if model else TOUR
    named = replace(
        named, name=to_name(name) if name else named.name, license=licence or named.license
    )
    path = to or folder / f"{named.name}.yaml"
    if action is not None and not ci:
        raise click.UsageError("--action needs --ci")
    workflow = plan_workflow(path, action) if ci else None
    own_samples = {"images": named_from(samples, folder)} if samples else None
    progress = JsonLines() if as_json else Lines()
    made = write_config(named, path, own_samples, open_store(store_path), progress)
    if workflow:
        write_aside(FILE, workflow.text())
    _show(made, path, workflow, as_json)


def _show(made: Draft, path: Path, workflow: Workflow | None, as_json: bool) -> None:
    if as_json:
        said = {
            "config": str(path),
            "task": made.task,
            "input": made.input,
            "formats": made.formats,
            "backends": made.backends,
            "check": dict(made.checks),
            "workflow": str(FILE) if workflow else None,
        }
        click.echo(json.dumps(said))
        return
    click.echo(f"wrote {path}: {made.task}, as {', '.join(made.formats)}")
    for target, reason in made.seen.lacking.items():
        click.echo(f"{click.style('unavailable', fg='yellow')} {target}: {reason}")
    for key, check in made.checks.items():
        click.echo(f"{click.style('check', fg='yellow')} {key}: {check}")
    if workflow:
        click.echo(f"wrote {FILE}")
    if workflow and workflow.check:
        click.echo(f"{click.style('check', fg='yellow')} {workflow.check}")
    click.echo(f"then: pipeline build {path}")
