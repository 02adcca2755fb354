from __future__ import annotations

import secrets
from pathlib import Path

import pytest


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Somewhere to publish to, of each kind."""
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    if request.param == "memory":
        return f"memory://{secrets.token_hex(4)}/cdn"
    return str(tmp_path / "cdn")
