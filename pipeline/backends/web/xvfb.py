"""A display without a screen, for browsers that draw WebGL only on one."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from pipeline.backends.session import Unavailable
from pipeline.backends.web import processes

COMMAND = "Xvfb"
_SCREEN = "1280x1024x24"
_START_S = 20


def find() -> Path | None:
    """The X server."""
    path = shutil.which(COMMAND)
    return Path(path) if path else None


def unavailable() -> str | None:
    """Why there can be none; ``None`` also on a Mac, where none is needed."""
    if platform.system() == "Darwin" or find():
        return None
    return f"{COMMAND} was not found"


class Display:
    """An X server of our own, under a number that was free."""

    def __init__(self, folder: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}
        """What a browser needs to find it."""
        if platform.system() != "Darwin":
            self._start(folder / "xvfb.log")

    def close(self) -> None:
        if self._process is not None:
            processes.end(self._process)

    def _start(self, log: Path) -> None:
        reader, writer = os.pipe()
        # It takes the first free number itself, and writes which; nobody else can take it between.
        command = [COMMAND, "-displayfd", str(writer), "-screen", "0", _SCREEN, "-nolisten", "tcp"]
        try:
            try:
                self._process = processes.start(command, os.environ, log, keep_fd=writer)
            finally:
                os.close(writer)
            os.set_blocking(reader, False)
            number = processes.until(_number(reader), self._process, log, _START_S)
        except (Unavailable, OSError) as reason:
            self.close()
            raise Unavailable(f"{COMMAND} does not start: {reason}") from reason
        finally:
            os.close(reader)
        self.environment = {"DISPLAY": f":{number}", "WAYLAND_DISPLAY": "", "GDK_BACKEND": "x11"}


def _number(reader: int) -> Callable[[], str | None]:
    answer = b""

    def ready() -> str | None:
        nonlocal answer
        try:
            answer += os.read(reader, 64)
        except BlockingIOError:
            return None
        return answer.decode().strip() if answer.endswith(b"\n") else None

    return ready
