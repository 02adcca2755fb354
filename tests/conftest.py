"""Being here puts this folder on the import path: tests share modules such as http_server."""

from __future__ import annotations

import gc
import os
import secrets
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from shared_store import SharedStore

from pipeline.engine.lanes.imports import YOUNG_OBJECTS
from pipeline.engine.lanes.local import SAME_EVERYWHERE

if TYPE_CHECKING:
    from s3_server import S3

# As in the processes of steps, for the same reasons; what tests start inherits it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", SAME_EVERYWHERE["TF_ENABLE_ONEDNN_OPTS"])
gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])

#: Files that take over twenty seconds, by their seconds on two cores. What builds with runtimes of
#: pages comes after the file that builds them all, and finds them in the shared store.
LONGEST = (
    "build/test_build.py",
    "backends/web/test_engines.py",
    "search/test_search.py",
    "client/test_demo.py",
    "client/test_model.py",
    "optimize/test_distill.py",
    "optimize/test_round.py",
    "report/test_report_page.py",
    "client/test_tiers.py",
    "backends/web/test_chromium_session.py",
    "bisect/test_command.py",
    "client/test_toy_task.py",
    "client/test_dtypes.py",
    "client/test_runtimes.py",
    "optimize/test_qat.py",
    "optimize/test_fake_quant.py",
    "optimize/test_cluster.py",
    "export/test_tfjs_layers.py",
    "export/test_layers_in_tfjs.py",
    "sources/test_keras_application.py",
    "bisect/test_tfjs_faults.py",
    "fitting/test_doctor_config.py",
    "build/test_failed_build.py",
    "engine/test_run.py",
    "plan/test_plan.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first: of processes that share the files none waits for another's end."""
    here = Path(__file__).parent
    place = {here / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@cache
def _spare_what_lives() -> None:
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """What TensorFlow is made of is walked over no more, as in its own process."""
    if "tensorflow" in sys.modules:
        _spare_what_lives()


def pytest_sessionfinish() -> None:
    """End what commands left open."""
    if "kept_lanes" in sys.modules:
        sys.modules["kept_lanes"].close()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """moto's S3, with a bucket named ``models``."""
    import boto3
    from s3_server import running_s3

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    with running_s3() as server:
        boto3.client("s3", endpoint_url=server.address, **keys).create_bucket(Bucket="models")
        yield server


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The server, as a user's environment names one; it answers as it should."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_server.requests.clear()
    yield s3_server
    s3_server.failing.clear()
    s3_server.lost.clear()
    s3_server.denied.clear()
    s3_server.unconditional = False
    s3_server.before = s3_server.after = lambda method, path: None


@pytest.fixture
def bucket(s3: S3) -> str:
    """A place of its own in the bucket."""
    return f"s3://models/{secrets.token_hex(4)}"


@pytest.fixture
def distance(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a metric of which less is better, and which is no share."""
    from pipeline.measures.metric import Metric
    from pipeline.measures.metrics import GENERAL

    monkeypatch.setitem(
        GENERAL, "distance", Metric("distance", "mean distance", "truth", unit="px")
    )
    return "distance"


@pytest.fixture(scope="session")
def shared_store(request: pytest.FixtureRequest) -> SharedStore:
    """What any build of these tests made, no other makes again.

    Kept from run to run, as a user's store is; ``pytest --cache-clear`` empties it.
    """
    return SharedStore(Path(request.config.cache.mkdir("stores")))  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def building(shared_store: SharedStore) -> FileLock:
    """Held by a build of what other processes' tests need too, so that they find it made."""
    return FileLock(shared_store.root / ".lock")
