"""In which engines a test runs on a pull request, and in which nightly."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.backends.web.engine import engines

ENGINES = tuple(engines())


def nightly(*values: object) -> Any:
    """A parameter that runs in `make test-all` only."""
    return pytest.param(*values, marks=pytest.mark.nightly)


CHROMIUM_FIRST = ("chromium", *(nightly(one) for one in ENGINES if one != "chromium"))

#: What each engine has code of its own for, or has done in its own way.
IN_EVERY_ENGINE = pytest.mark.parametrize("engine", ENGINES, indirect=True)
