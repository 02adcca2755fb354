"""Programs of the system: their versions, and what installs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_VERSION_TIMEOUT_S = 30


def version(browser: Path) -> str | None:
    """What the browser says of itself; ``None`` where it does not start.

    Ubuntu's ``chromium-browser`` is a script that only tells how to install a snap.
    """
    try:
        command = [str(browser), "--version"]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None if result.returncode == 0 else None


def privilege() -> list[str] | None:
    """What to put before a command that needs root; ``None`` where there is no way to it."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def run_all(commands: list[list[str]]) -> str | None:
    """Run commands until one fails; which and why, or ``None``."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in commands:
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, env=environment, check=False
            )
        except OSError as error:
            return f"{' '.join(command)}: {error.strerror}"
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no reason given"]
            return f"{' '.join(command)}: {lines[-1]}"
    return None
