"""What Python users call."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import PipelineError
from pipeline.build.make import make_build
from pipeline.config.config import Config
from pipeline.engine.store import Store
from pipeline.engine.watch import Silent
from pipeline.plan import make_plan

if TYPE_CHECKING:
    from pipeline.publish.release.release import PublishedRelease


def build(
    config: Config,
    *,
    store: Path = Path("artifacts/store"),
    sign_key: Path | None = None,
    sign_keyless: bool = False,
    allow_incomplete: bool = False,
) -> PublishedRelease:
    """Make, prove and publish everything that ``config`` asks for.

    Args:
        config: from ``load_config``.
        store: the folder of the content-addressed store.
        sign_key: sign the release with this private key; its password, if it has one, is in the
            environment variable PIPELINE_SIGN_PASSWORD.
        sign_keyless: sign it as the CI job that this is, with Sigstore.
        allow_incomplete: publish the others where some artifacts could not be made.

    Returns:
        The release: its id, folder and manifest with every artifact and verdict.

    Raises:
        PipelineError: of the kinds in ``pipeline.base.errors``; nothing was half published.
    """
    from pipeline import storage
    from pipeline.build.judge import judge
    from pipeline.build.publish import publish
    from pipeline.engine.lanes.local import LocalLanes
    from pipeline.publish.trust.signature import signer
    from pipeline.search.resolve import search_all

    storage.require(config.publish.to)
    signs = signer(sign_key, keyless=sign_keyless)
    place = Store(store)
    with place.in_use(), LocalLanes(store / "logs") as lanes:
        plan = make_plan(*search_all(config, place, lanes, None))
        built = make_build(plan, place, lanes, Silent())
        judge(built, whole=not allow_incomplete)
        return publish(built, signs)


def answer() -> None:
    """Answer one request of ``pipeline.environment.remote``: JSON on standard input and output."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)  # What libraries print is no part of the answer.
        try:
            reply = {"value": _answer(json.load(sys.stdin))}
        except PipelineError as error:
            told = {"what": error.what, "where": error.where, "todo": error.todo}
            reply = {"error": {"kind": type(error).__name__, **told}}
        json.dump(reply, out)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """The config, or the release where one is to be built."""
    from pipeline.config.file import load_config

    config = load_config(request["config"], request["overrides"])
    options = request.get("build")
    if options is None:
        dumped: dict[str, Any] = config.model_dump(mode="json", by_alias=True, warnings=False)
        return dumped
    key = options.pop("sign_key")
    store, key = Path(options.pop("store")), Path(key) if key else None
    return asdict(build(config, store=store, sign_key=key, **options))
