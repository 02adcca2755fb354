"""The name of this machine's CPU."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from pathlib import Path


@cache
def cpu_name() -> str:
    """As the system names it: the processor's model, else the architecture."""
    return _linux_name() or _macos_name() or platform.processor() or platform.machine()


def _linux_name() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {key.strip(): value.strip() for key, value in fields.items()}
    return names.get("model name", "")


def _macos_name() -> str:
    if platform.system() != "Darwin":
        return ""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
