"""Options and steps that commands share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.base.errors import Failures, PipelineError

if TYPE_CHECKING:
    from pipeline.build.result import Built
    from pipeline.engine.store import Store
    from pipeline.publish.release.release import PublishedRelease
    from pipeline.publish.trust.signature import Signer

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

CONFIGS = click.argument(
    "configs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CONFIG…"
)


class FolderPath(click.Path):
    """A folder on this machine; a URL is refused by name, not taken for a folder."""

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        refuse_url(str(value), param, context)
        return super().convert(value, param, context)


def refuse_url(
    value: str, param: click.Parameter | None = None, context: click.Context | None = None
) -> None:
    """Refuse a URL where only what is on this machine can be read."""
    if "://" in value:
        said = f"{value} is a URL, and only folders are read here; `pipeline copy` brings it here"
        raise click.BadParameter(said, context, param)


class StorePath(click.Path):
    """A folder on this machine, or the URL of a store that machines share."""

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        return value if "://" in str(value) else super().convert(value, param, context)


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
    type=StorePath(file_okay=False),
    metavar="FOLDER-OR-URL",
    help="The content-addressed store: a folder, or a URL such as s3://bucket/prefix.",
)
#: Where steps run by themselves.
LOCAL = "local"
ON = click.option(
    "--on",
    default=LOCAL,
    show_default=True,
    envvar="PIPELINE_EXECUTOR",
    metavar="WHERE",
    help="Where steps run: local, or the address of a Dask scheduler, as in "
    "tcp://scheduler:8786, whose workers (`pipeline worker`) share the store.",
)
CDN = click.option(
    "--cdn",
    default="artifacts/cdn",
    show_default=True,
    metavar="FOLDER-OR-URL",
    help="CDN folder: a path, or a URL such as s3://bucket/prefix.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
COMMON = options(SET, STORE, JSON)
SIGN = options(
    click.option(
        "--sign-key",
        envvar="PIPELINE_SIGN_KEY",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Sign the release with this private key (elliptic curve, PEM). The password of an "
        "encrypted one is read from PIPELINE_SIGN_PASSWORD.",
    ),
    click.option(
        "--sign-keyless",
        envvar="PIPELINE_SIGN_KEYLESS",
        is_flag=True,
        help="Sign the release as the CI job that this is, with Sigstore.",
    ),
)


def signer(key: Path | None, keyless: bool) -> Signer | None:
    """Who signs releases, if anyone; refused here before anything is made."""
    if not key and not keyless:
        return None
    from pipeline.publish.trust import signature

    return signature.signer(key, keyless=keyless)


def open_store(where: str) -> Store:
    """The store in a folder, made where it is used first, or at a URL."""
    from pipeline.engine import stores

    return stores.open_store(where)


def make(
    configs: tuple[Path, ...],
    overrides: tuple[str, ...],
    store_path: str,
    as_json: bool,
    *,
    browsers: bool = True,
    publishes: bool = False,
    on: str = LOCAL,
    then: Callable[[Built], None],
) -> None:
    """Make and prove every artifact of each config, with progress, and do the rest of it ``then``.

    Raises:
        PipelineError: what failed of any config, once all have had their turn.
    """
    from pipeline.cli.progress import JsonLines, Lines

    store = open_store(store_path)
    progress = JsonLines() if as_json else Lines(store.root / "last" / "seconds.json")
    build = _builder(on)
    # Closed where a command is interrupted too: threads of a cluster's builds would keep it.
    with closing(
        build(configs, overrides, store, progress, browsers=browsers, publishes=publishes)
    ) as each:
        in_turn(configs, each, then)


def _builder(on: str) -> Callable[..., Generator[Callable[[], Built], None, None]]:
    """What makes several configs: here, one after another, or on a cluster at once."""
    if on == LOCAL:
        from pipeline.build.batch import build_configs

        return build_configs
    from pipeline.build.cluster import build_on

    return partial(build_on, on)


def in_turn(
    configs: Sequence[Path], each: Iterable[Callable[[], T]], then: Callable[[T], None]
) -> None:
    """Call what there is to do for each config, and do the rest of it ``then``.

    Raises:
        PipelineError: what failed of any config, once all have had their turn.
    """
    failures = Failures()
    for config, work in zip(configs, each, strict=True):
        with failures.collect(str(config) if len(configs) > 1 else ""):
            then(work())
    failures.tell()


def judge(built: Built, as_json: bool, *, complete: bool = True, whole: bool = True) -> None:
    """Show the table of values and bounds before a failed gate ends the command."""
    from pipeline.build import judge as judging

    try:
        judging.judge(built, complete=complete, whole=whole)
    except PipelineError:
        show(built, as_json)
        raise


def publish(built: Built, signer: Signer | None) -> PublishedRelease:
    """Publish what was judged, with a bar where copying takes a while."""
    from pipeline.build import publish as publishing
    from pipeline.cli.bar import open_bar

    with open_bar("publish") as bar:
        return publishing.publish(built, signer, bar)


def show(built: Built, as_json: bool, release: Any = None) -> None:
    """What a build proved, and where it is published."""
    from pipeline.cli import show as shown

    shown.built(built, as_json, release)
