"""What the browser tests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_cases import Case, case

from pipeline.backends.web import session


@pytest.fixture
def classifier() -> Case:
    return case("classifier")


@pytest.fixture
def editable(tmp_path: Path, classifier: Case) -> Path:
    """The classifier's artifact folder, to be damaged."""
    return Path(shutil.copytree(classifier.artifact, tmp_path / "artifact"))


@pytest.fixture(scope="session", autouse=True)
def _browser_closed() -> Iterator[None]:
    yield
    session.close()
