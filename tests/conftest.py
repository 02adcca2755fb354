"""Being here puts this folder on the import path: tests share modules such as http_server."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from shared_store import SharedStore


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first: of two processes that share them none waits at the end."""
    slow = {item.path for item in items if "slow" in item.keywords}
    items.sort(key=lambda item: item.path not in slow)


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
