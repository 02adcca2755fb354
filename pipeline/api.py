"""What Python users call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
