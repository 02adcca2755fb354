"""In which engines a test runs on a pull request."""

from __future__ import annotations

import pytest

#: For what no engine does otherwise than another, and yet runs in one: nightly in all of them.
MOSTLY_CHROMIUM = pytest.mark.parametrize(
    "engine",
    ["chromium", *(pytest.param(one, marks=pytest.mark.nightly) for one in ("firefox", "webkit"))],
    indirect=True,
)
