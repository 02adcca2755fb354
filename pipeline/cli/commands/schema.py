"""`pipeline schema` prints the JSON Schema of configs."""

from __future__ import annotations

import click


@click.command("schema")
@click.option(
    "--write",
    is_flag=True,
    help="Write it and those of manifest.json and page.json.",
)
def command(write: bool) -> None:
    """Print the JSON Schema of configs, for completion in editors.

    \b
    Examples:
      pipeline schema > config.schema.json
    In a config's first line:
      # yaml-language-server: $schema=../pipeline/config/config.schema.json
    """
    from pipeline.config.schema import PATH, text
    from pipeline.manifest import schema

    if write:
        PATH.write_text(text())
        for path, kind in schema.SCHEMAS.items():
            path.write_text(schema.text(kind))
    else:
        click.echo(text(), nl=False)
