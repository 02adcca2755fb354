"""`pipeline serve` shows a CDN folder in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import FolderPath

PORT = 8440


@click.command("serve")
@click.argument(
    "folder", required=False, type=FolderPath(path_type=Path, file_okay=False), metavar="[FOLDER]"
)
@click.option(
    "--cdn",
    default="artifacts/cdn",
    show_default=True,
    type=FolderPath(path_type=Path, file_okay=False),
    help="The CDN folder, as other commands call it.",
)
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), metavar="N",
              help="Port on loopback; 0 takes any that is free.")  # fmt: skip
@click.option("--open", "launch", is_flag=True, help="Open the demo in a browser.")
def command(folder: Path | None, *, cdn: Path, port: int, launch: bool) -> None:
    """Serve a CDN folder on this machine, with the headers that a host should send, and a demo.

    \b
    Examples:
      pipeline serve --open
      pipeline serve /srv/cdn --port 9000
    """
    chosen_by = click.get_current_context().get_parameter_source("cdn")
    if folder and chosen_by is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("FOLDER and --cdn are the same; name one")
    from pipeline.cli.serve import serve

    def ready(url: str) -> None:
        click.echo(f"serving {folder or cdn} at {url} (Ctrl-C ends it)")
        if launch:
            demo = "demo/" if Path(folder or cdn, "demo").is_dir() else ""
            click.launch(url + demo)

    serve(folder or cdn, port, ready)
