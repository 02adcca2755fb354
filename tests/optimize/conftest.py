from __future__ import annotations

from pathlib import Path

import pytest
import sources_to_train


@pytest.fixture(scope="session")
def digits_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``source``, the bundled MobileNet, and ``samples``, its digits; read only."""
    root = tmp_path_factory.mktemp("digits")
    sources_to_train.write_digits(root)
    return root
