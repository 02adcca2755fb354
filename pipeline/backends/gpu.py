"""Whether this machine has a GPU that a browser could use."""

from __future__ import annotations

import platform
from pathlib import Path

#: Kernel drivers of real GPUs; display controllers of servers and virtual machines draw nothing.
DRIVERS = frozenset(
    {
        "amdgpu",
        "i915",
        "lima",
        "msm",
        "nouveau",
        "nvidia",
        "panfrost",
        "panthor",
        "radeon",
        "v3d",
        "xe",
    }
)


def host_gpu(root: Path = Path("/")) -> str | None:
    """The driver of a GPU of this machine; every Mac has one."""
    if platform.system() == "Darwin":
        return "Metal"
    if any((root / "dev").glob("nvidia[0-9]*")):
        return "nvidia"
    cards = (root / "sys/class/drm").glob("renderD*/device/driver")
    drivers = {card.resolve().name for card in cards}
    return min(drivers & DRIVERS, default=None)
