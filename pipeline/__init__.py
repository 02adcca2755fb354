"""Gets machine-learning models into browsers: optimized, proved, published.

From Python::

    from pipeline import build, load_config

    release = build(load_config("configs/mobilenet.yaml"))

``build`` raises the errors of ``pipeline.base.errors``; the command line is a thin layer over it.
In a process that has not the locked packages, both work by one that has: a config is then
``pipeline.environment.remote.Config``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import build
    from pipeline.config.file import load_config

__all__ = ["build", "load_config"]

_HOMES = {"build": "pipeline.api", "load_config": "pipeline.config.file"}


def __getattr__(name: str) -> Any:
    # Late, so that `pipeline --help` does not pay for what it does not use.
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    from importlib import import_module

    from pipeline.environment import is_inside

    home = _HOMES[name] if is_inside() else "pipeline.environment.remote"
    value = getattr(import_module(home), name)
    # The import left the folder of that name here, which is not what was asked for.
    globals()[name] = value
    return value
