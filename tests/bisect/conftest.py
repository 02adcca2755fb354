"""The models of these tests, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import models
import pytest
from models import Converted

from pipeline.backends.web import session


class Models(dict[str, Converted]):
    """Name -> what a function of ``models`` makes, once a test asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __missing__(self, name: str) -> Converted:
        frozen = getattr(models, name)(self.folder / name / "frozen")
        self[name] = Converted.make(frozen, self.folder / name)
        return self[name]


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(tmp_path_factory.mktemp("converted"))


@pytest.fixture(scope="session", autouse=True)
def _browser_closed() -> Iterator[None]:
    yield
    session.close()
