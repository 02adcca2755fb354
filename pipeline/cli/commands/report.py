"""`pipeline report` shows a release, or compares two."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import STORE, FolderPath, refuse_url


@click.command("report")
@click.argument("names", nargs=-1, metavar="[RELEASE] [RELEASE]")
@STORE
@click.option("--json", "form", flag_value="json", help="Print JSON, for machines.")
@click.option(
    "--markdown", "form", flag_value="markdown", help="Print Markdown, for a CI job's summary."
)
@click.option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as one HTML file.",
)
@click.option("--open", "launch", is_flag=True, help="Open the HTML report in a browser.")
@click.option(
    "--cdn",
    default="artifacts/cdn",
    show_default=True,
    type=FolderPath(path_type=Path, file_okay=False),
    help="CDN folder in which names are looked up.",
)
@click.option(
    "--fail-on-regression", is_flag=True, help="With two releases: end with 3 if one got worse."
)
def command(
    names: tuple[str, ...],
    *,
    store_path: str,
    form: str | None,
    html_path: Path | None,
    launch: bool,
    cdn: Path,
    fail_on_regression: bool,
) -> None:
    """Show what a release holds and what to ship of it, or compare two.

    RELEASE is a release id or its beginning, a channel, a model, a manifest's or a folder's path,
    or a config: its last build, published or not. By default the latest release of the only model.

    \b
    Examples:
      pipeline report
      pipeline report mobilenet/stable --open
      pipeline report configs/mobilenet.yaml --markdown >> "$GITHUB_STEP_SUMMARY"
      pipeline report stable latest --fail-on-regression
    """
    from pipeline.cli import report as reports

    _check_report(names, html_path or launch, form, fail_on_regression)
    first, *second = [reports.find_reported(name, cdn, store_path) for name in names or (None,)]
    if second:
        worse = reports.show_both(first, second[0], form)
        if worse and fail_on_regression:
            raise click.exceptions.Exit(3)
    elif html_path or launch:
        reports.write_page(first, html_path, launch)
    else:
        reports.show(first, form)


def _check_report(
    names: tuple[str, ...], page: object, form: str | None, fail_on_regression: bool
) -> None:
    """Refuse options of ``report`` that mean nothing together."""
    for name in names:
        refuse_url(name)
    if len(names) > 2:
        raise click.UsageError("name one release, or two to compare")
    if page and len(names) == 2:
        raise click.UsageError("--html and --open show one release; name one")
    if page and form:
        raise click.UsageError(f"--{form} prints, --html and --open make a page; leave one out")
    if fail_on_regression and len(names) != 2:
        raise click.UsageError("--fail-on-regression needs two releases: before and after")
