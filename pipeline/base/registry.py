"""Finds sources, techniques, formats, tasks and backends: no list to edit."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def discover(package: str, marker: str) -> dict[str, ModuleType]:
    """The files and folders of ``pipeline.<package>`` that define ``marker``, by public name.

    The public name is the module's ``NAME`` where it has one, else its file's name.
    """
    parent = import_module(f"pipeline.{package}")
    plugins = {}
    for info in pkgutil.iter_modules(parent.__path__):
        module = import_module(f"{parent.__name__}.{info.name}")
        if hasattr(module, marker):
            plugins[getattr(module, "NAME", info.name)] = module
    return dict(sorted(plugins.items()))
