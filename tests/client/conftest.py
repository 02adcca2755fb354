"""What the client's tests share: published releases, two origins, and a page of each engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from bundler_project import install
from client_fixtures import Open, Site
from client_page import Pages, ScriptPage, page_origin
from client_release import Release, config, publish, retrain_head
from client_site import Origin, cdn, running
from client_tiers import with_gpu_backends, with_other_head, with_tiny_model
from commands import pipeline
from filelock import FileLock
from nightly import CHROMIUM_FIRST
from shared_store import SharedStore

from pipeline.backends.web import session
from pipeline.backends.web.engine import engines


@pytest.fixture(scope="session")
def store(shared_store: SharedStore) -> Path:
    return shared_store.store("client")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, store: Path, building: FileLock) -> Release:
    """The bundled model, published."""
    small = config({"bundled": "mobilenet_digits"})
    with building:
        return publish(small, tmp_path_factory.mktemp("published"), store, pipeline)


@pytest.fixture(scope="session")
def retrained(
    tmp_path_factory: pytest.TempPathFactory, store: Path, published: Release, building: FileLock
) -> Release:
    """The same CDN folder after a release of a model whose head was really trained again."""
    folder = tmp_path_factory.mktemp("retrained")
    shutil.copytree(published.cdn, folder / "cdn")
    source = {"keras_file": str(retrain_head(folder / "model.h5"))}
    with building:
        # It is fetched and never run: what proves each format once is enough.
        small = config(source, ("onnxruntime-cpu", "tfjs-wasm"))
        return publish(small, folder, store, pipeline)


@pytest.fixture(scope="session")
def updated(published: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The same after a second release, of which only the head is another."""
    return with_other_head(published, tmp_path_factory.mktemp("updated"))


@pytest.fixture(scope="session")
def everywhere(published: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The published release, of a tiny model, with WebGL and WebGPU."""
    tiny = with_tiny_model(published, tmp_path_factory.mktemp("tiny"))
    return with_gpu_backends(tiny, tmp_path_factory.mktemp("everywhere"))


@pytest.fixture
def site(published: Release) -> Iterator[Site]:
    with ExitStack() as stack:
        page, files = page_origin(), cdn(published.cdn)
        yield Site(stack.enter_context(running(page)), stack.enter_context(running(files)))


@pytest.fixture(params=CHROMIUM_FIRST)
def engine(request: pytest.FixtureRequest) -> str:
    """Chromium, and nightly each other engine; those that this machine lacks are skipped."""
    name = str(request.param)
    if reason := engines()[name].unavailable():
        pytest.skip(f"{name}: {reason}; `make setup` installs it where it may")
    return name


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages()


@pytest.fixture
def open_page(engine: str, site: Site, pages: Pages) -> Iterator[Open]:
    """Opens pages of the page's origin in an engine: ``open_page(path="/", origin=site.page)``.

    In Chromium and Firefox each has a profile of its own; in WebKit all share one.
    """
    with ExitStack() as stack:
        opened: list[ScriptPage] = []

        def open_page(path: str = "/", origin: Origin | None = None) -> ScriptPage:
            if opened:
                page = ScriptPage(engine, origin or site.page, path)
                stack.callback(page.close)
            else:
                page = pages.open(engine, origin or site.page, path)
            opened.append(page)
            return page

        yield open_page


@pytest.fixture
def page(open_page: Open) -> ScriptPage:
    """A page that knows nothing of the client but its URL."""
    opened = open_page()
    opened.hold_caches()
    return opened


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project that installed the packed client without a network."""
    return install(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session", autouse=True)
def _browsers_closed() -> Iterator[None]:
    yield
    session.close()
