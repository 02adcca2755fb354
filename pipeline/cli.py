"""The command line: parse, call, print; nothing else."""

from __future__ import annotations

import atexit
import gc
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.built import Built
    from pipeline.store import Store

F = TypeVar("F", bound=Callable[..., Any])

# pydantic looks for plug-ins in every installed package as it is imported, here and in the
# processes of steps; there are none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

CONFIGS = click.argument(
    "configs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CONFIG…"
)


def options(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    """Several click decorators as one."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the config, as in variants.uint8.quantize=uint16.",
)
STORE = click.option(
    "--store",
    "store_path",
    default="artifacts/store",
    show_default=True,
    envvar="PIPELINE_STORE",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the content-addressed store.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
COMMON = options(SET, STORE, JSON)


class Commands(click.Group):
    """Shows errors as one or two lines; a traceback only with ``--debug``."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except PipelineError as error:
            if context.params.get("debug"):
                traceback.print_exc()
            click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
            raise click.exceptions.Exit(error.exit_code) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if context.params.get("debug"):
                raise
            first = (str(error).strip().splitlines() or [""])[0]
            click.echo(
                f"{click.style('error:', fg='red', bold=True)} {type(error).__name__}: {first}\n"
                "  this is a bug; `pipeline --debug …` shows where",
                err=True,
            )
            raise click.exceptions.Exit(1) from None
        except KeyboardInterrupt:
            click.echo("Interrupted. Finished steps are kept: the same command resumes.", err=True)
            raise click.exceptions.Exit(130) from None

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="model-pipeline")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Gets machine-learning models into browsers: optimized, proved, published.

    \b
    Examples:
      pipeline build configs/mobilenet.yaml
      pipeline plan configs/mobilenet.yaml
      pipeline build configs/mobilenet.yaml --set publish.channel=stable
      pipeline doctor
    """
    # All is let go at the end: to look beforehand for what could be takes longer than some builds.
    atexit.register(gc.freeze)


@main.command()
@CONFIGS
@COMMON
@click.option(
    "--no-browsers",
    is_flag=True,
    help="Leave out what needs a browser; a release that needed one is then not published.",
)
def build(
    configs: tuple[Path, ...],
    overrides: tuple[str, ...],
    store_path: Path,
    as_json: bool,
    no_browsers: bool,
) -> None:
    """Make, prove and publish every artifact of CONFIG.

    \b
    Examples:
      pipeline build configs/mobilenet.yaml
      pipeline build configs/*.yaml --json
      pipeline build configs/mobilenet.yaml --set variants.uint8.quantize=uint16
    """
    from pipeline import built as job

    for built in _made(configs, overrides, store_path, as_json, browsers=not no_browsers):
        _judge(built, as_json, complete=not no_browsers)
        proved = not job.unavailable(built.manifest)
        _show(built, as_json, job.publish(built) if proved else None)


@main.command()
@CONFIGS
@COMMON
def plan(
    configs: tuple[Path, ...], overrides: tuple[str, ...], store_path: Path, as_json: bool
) -> None:
    """Show what a build would make, and what it would leave out and why.

    \b
    Example:
      pipeline plan configs/mobilenet.yaml
    """
    from pipeline import show
    from pipeline.builds import plans

    for planned in plans(configs, overrides).values():
        show.plan(planned, as_json)


@main.command()
@CONFIGS
@COMMON
def validate(
    configs: tuple[Path, ...], overrides: tuple[str, ...], store_path: Path, as_json: bool
) -> None:
    """Make and prove every artifact, and publish nothing.

    \b
    Examples:
      pipeline validate configs/mobilenet.yaml
      pipeline validate configs/mobilenet.yaml --set validate.backends='[tfjs-wasm]'
    """
    for built in _made(configs, overrides, store_path, as_json):
        _judge(built, as_json)
        _show(built, as_json)


@main.command()
@CONFIGS
@COMMON
def publish(
    configs: tuple[Path, ...], overrides: tuple[str, ...], store_path: Path, as_json: bool
) -> None:
    """Publish what the store already holds proved; make nothing.

    \b
    Example:
      pipeline publish configs/mobilenet.yaml --set publish.to=/srv/cdn
    """
    from pipeline import built as job
    from pipeline.builds import plans
    from pipeline.job import stored

    store = _store(store_path)
    with store.in_use():
        for path, planned in plans(configs, overrides).items():
            built = stored(planned, path, store, overrides)
            _judge(built, as_json)
            _show(built, as_json, job.publish(built))


@main.command()
@click.argument("artifact", metavar="ARTIFACT")
@click.option(
    "--backend",
    "target",
    required=True,
    metavar="TARGET",
    help="Where it goes wrong, as in tfjs-webgl@chromium or onnxruntime-cpu.",
)
@click.option(
    "--config",
    default="configs/mobilenet.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The config that the artifact was built from.",
)
@click.option(
    "--samples",
    default=4,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many of the golden's samples to run; first those that its proof there found worst.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, min_open=True),
    help="The error that a node may add, as a share of its output's range; by the variant's "
    "number format otherwise (0.0001 for float32).",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the reproduction; artifacts/bisect/… otherwise.",
)
@COMMON
def bisect(
    artifact: str,
    overrides: tuple[str, ...],
    store_path: Path,
    as_json: bool,
    *,
    target: str,
    config: Path,
    samples: int,
    tolerance: float | None,
    output: Path | None,
) -> None:
    """Find the first node of a built ARTIFACT whose output is wrong.

    Compares its intermediate tensors on TARGET with the source's, and writes a folder that shows
    the wrong node without this pipeline.

    \b
    Examples:
      pipeline bisect tfjs-graph/fp32 --backend tfjs-webgl@chromium
      pipeline bisect onnx/int8 --backend onnxruntime-cpu --samples 16
      pipeline bisect onnx/fp32 --backend onnxruntime-cpu --config configs/mobilenet.yaml --json
    """
    from pipeline.bisect.command import run
    from pipeline.bisect.job import Request

    request = Request(artifact, target, samples, tolerance)
    run(config, overrides, request, _store(store_path), output=output, as_json=as_json)


@main.command("list")
@click.argument("to", default="artifacts/cdn", type=click.Path(path_type=Path), metavar="[FOLDER]")
@JSON
def list_(to: Path, as_json: bool) -> None:
    """List the models, channels and releases of a CDN folder.

    \b
    Examples:
      pipeline list
      pipeline list /srv/cdn --json
    """
    from pipeline import show

    show.cdn(to, as_json)


@main.command()
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
    type=click.Path(path_type=Path, file_okay=False),
    help="CDN folder in which names are looked up.",
)
@click.option(
    "--fail-on-regression", is_flag=True, help="With two releases: end with 3 if one got worse."
)
def report(
    names: tuple[str, ...],
    *,
    store_path: Path,
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
    from pipeline.report import command

    _check_report(names, html_path or launch, form, fail_on_regression)
    first, *second = [command.found(name, cdn, store_path) for name in names or (None,)]
    if second:
        worse = command.show_both(first, second[0], form)
        if worse and fail_on_regression:
            raise click.exceptions.Exit(3)
    elif html_path or launch:
        command.write_page(first, html_path, launch)
    else:
        command.show(first, form)


def _check_report(
    names: tuple[str, ...], page: object, form: str | None, fail_on_regression: bool
) -> None:
    """Refuse options of ``report`` that mean nothing together."""
    if len(names) > 2:
        raise click.UsageError("name one release, or two to compare")
    if page and len(names) == 2:
        raise click.UsageError("--html and --open show one release; name one")
    if page and form:
        raise click.UsageError(f"--{form} prints, --html and --open make a page; leave one out")
    if fail_on_regression and len(names) != 2:
        raise click.UsageError("--fail-on-regression needs two releases: before and after")


@main.command()
@STORE
@JSON
@click.option("--all", "everything", is_flag=True, help="Empty the store: builds start over.")
@click.option("--keep-days", default=30, show_default=True, help="Keep results used since then.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def clean(store_path: Path, as_json: bool, everything: bool, keep_days: int, dry_run: bool) -> None:
    """Remove what the store has not needed for a while. What is published stays.

    \b
    Examples:
      pipeline clean --dry-run
      pipeline clean --keep-days 7
      pipeline clean --all
    """
    removed, size = _store(store_path).clean(0 if everything else keep_days, dry_run)
    if as_json:
        click.echo(json.dumps({"files": removed, "bytes": size, "dry_run": dry_run}))
    else:
        verb = "would remove" if dry_run else "removed"
        click.echo(f"{verb} {removed} files, {size / 1e6:.1f} MB, from {store_path}")


@main.command()
@click.option("--write", is_flag=True, help="Write pipeline/config.schema.json.")
def schema(write: bool) -> None:
    """Print the JSON Schema of configs, for completion in editors.

    \b
    Examples:
      pipeline schema > config.schema.json
    In a config's first line:
      # yaml-language-server: $schema=../pipeline/config.schema.json
    """
    from pipeline.schema import PATH, text

    if write:
        PATH.write_text(text())
    else:
        click.echo(text(), nl=False)


@main.command()
@JSON
def doctor(as_json: bool) -> None:
    """List the tools that builds need: there or missing, with the command that mends it.

    \b
    Example:
      pipeline doctor
    """
    from pipeline import doctor as examination
    from pipeline import show

    checks = examination.examine()
    show.checks(checks, as_json)
    if not all(check.ok for check in checks if check.required):
        raise click.exceptions.Exit(5)


def _store(path: Path) -> Store:
    from pipeline.store import Store

    return Store(path)


def _made(
    configs: tuple[Path, ...],
    overrides: tuple[str, ...],
    store_path: Path,
    as_json: bool,
    *,
    browsers: bool = True,
) -> Iterator[Built]:
    from pipeline.builds import builds
    from pipeline.progress import JsonLines, Lines

    progress = JsonLines() if as_json else Lines()
    return builds(configs, overrides, _store(store_path), progress, browsers=browsers)


def _judge(built: Built, as_json: bool, *, complete: bool = True) -> None:
    """Show the table of values and bounds before a failed gate ends the command."""
    from pipeline import built as job

    try:
        job.judge(built, complete=complete)
    except PipelineError:
        _show(built, as_json)
        raise


def _show(built: Built, as_json: bool, release: Any = None) -> None:
    from pipeline import show

    show.built(built, as_json, release)


if __name__ == "__main__":
    sys.exit(main())
