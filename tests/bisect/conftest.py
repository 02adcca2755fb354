"""The models of these tests, made once."""

from __future__ import annotations

from collections.abc import Iterator

import models
import pytest
from models import Converted

from pipeline.backends.web import session


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Converted]:
    folder = tmp_path_factory.mktemp("converted")
    made = {}
    for name in ("branches", "perceptron", "normed", "swish", "looping", "mobilenet"):
        frozen = getattr(models, name)(folder / name / "frozen")
        made[name] = Converted.make(frozen, folder / name)
    return made


@pytest.fixture(scope="session", autouse=True)
def _browser_closed() -> Iterator[None]:
    yield
    session.close()
