"""Finds sources, techniques, formats, tasks and backends: no list to edit."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol, TypeVar


class Plugin(Protocol):
    """What any plug-in says of itself."""

    @property
    def name(self) -> str:
        """What a config calls it."""
        ...


P = TypeVar("P", bound=Plugin)


def find_plugins(package: str, marker: str, kind: type[P]) -> dict[str, P]:
    """What the files and folders right in ``pipeline.<package>`` declare as ``marker``, by name.

    Raises:
        TypeError: one is no ``kind``, or two have one name.
    """
    plugins: dict[str, P] = {}
    for module in discover(package, marker).values():
        plugin = getattr(module, marker)
        if not isinstance(plugin, kind):
            raise TypeError(f"{module.__name__}.{marker} is no {kind.__name__}")
        if plugin.name in plugins:
            raise TypeError(f"two modules of pipeline.{package} are called {plugin.name}")
        plugins[plugin.name] = plugin
    return dict(sorted(plugins.items()))


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
