"""What ``pipeline report`` does: finds a release, or a config's last build, and shows it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigError
from pipeline.publish.upkeep import find
from pipeline.report.release import Release
from pipeline.storage.layout import REPORT

if TYPE_CHECKING:
    from pipeline.build.result import Built

CONFIGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Reported:
    """A release, or a config's last build."""

    release: Release
    page: Path | None = None
    """Its report, where one was published with it."""
    built: Built | None = None
    """The build, where it was asked for by its config."""

    def html(self) -> str:
        """The report's page: as it was published, or made now."""
        from pipeline.build.publish import report_context
        from pipeline.report.page import Context, page

        if self.page and self.page.exists():
            return self.page.read_text()
        return page(self.release, report_context(self.built) if self.built else Context())


def find_reported(name: str | None, cdn: Path, store: str) -> Reported:
    """What a name stands for.

    Raises:
        ConfigError: it stands for nothing.
    """
    if name and name.endswith(CONFIGS):
        return _last_build(Path(name), store)
    path = find.find_release(name, cdn)
    return Reported(Release(find.read(path)), page=path.with_name(REPORT))


def _last_build(config: Path, store: str) -> Reported:
    from pipeline.build.last import recall
    from pipeline.config.file import load_config
    from pipeline.engine.stores import open_store

    model = load_config(config).name
    built = recall(open_store(store), model)
    if built is None:
        raise ConfigError(
            f"{model} was not built in {store}",
            where=str(config),
            todo=f"run `pipeline build {config}` first",
        )
    return Reported(Release(built.manifest), built=built)


def show(reported: Reported, form: str | None) -> None:
    """Print a report as ``markdown``, ``json`` or, by default, a table."""
    from pipeline.report import data, markdown, terminal

    if form == "json":
        click.echo(json.dumps(data.data(reported.release), indent=1))
    elif form == "markdown":
        click.echo(markdown.markdown(reported.release), nl=False)
    else:
        terminal.show(reported.release)


def show_both(before: Reported, after: Reported, form: str | None) -> bool:
    """Print two releases beside each other; whether anything got worse."""
    from pipeline.report import compare
    from pipeline.validate import regress

    pair = before.release, after.release
    regressions = regress.compare(before.release.record, after.release.record)
    if form == "json":
        click.echo(json.dumps(compare.as_data(*pair, regressions), indent=1))
    elif form == "markdown":
        click.echo(compare.in_markdown(*pair, regressions), nl=False)
    else:
        compare.show(*pair, regressions)
    return bool(regressions)


def write_page(reported: Reported, to: Path | None, launch: bool) -> None:
    """Write the page to a file, and open it in the user's browser if asked to."""
    from pipeline.base.files import write_aside

    path = to or reported.page
    if path is None or to or not path.exists():
        place = reported.built.store.root / "last" if reported.built else Path(tempfile.mkdtemp())
        path = to or place / f"{reported.release.name}.html"
        write_aside(path, reported.html())
    click.echo(str(path))
    if launch:
        click.launch(str(path))
