"""Opens a reproduction's page in a real Chromium."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.backends.session import Unavailable
from pipeline.backends.web.session import running


def shown(folder: Path) -> str:
    """What the reproduction's page says in Chromium, served as its README says."""
    with served(folder) as url:
        try:
            opened: Any = running("chromium").browser.open(url)
        except Unavailable as reason:
            pytest.skip(str(reason))
        try:
            # The driver's interface runs tasks only; a test may look at Playwright's page.
            opened._page.wait_for_function("document.title !== 'running'", timeout=60_000)
            return str(opened._page.inner_text("#result"))
        finally:
            opened.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    server = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
