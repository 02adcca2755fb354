"""Opens a store, wherever it is."""

from __future__ import annotations

from pathlib import Path

from pipeline.engine.store import Place, Store


def open_store(where: str) -> Store:
    """The store in a folder of this machine, made where it is used first, or at a URL."""
    return open_place(Place(Path(), where) if "://" in where else Place(Path(where)))


def open_place(place: Place) -> Store:
    """A store by where another process of this machine has it."""
    if place.shared is None:
        return Store(place.root)
    from pipeline.engine.shared import SharedStore

    # Without a folder of its own, it has one among the user's caches.
    return SharedStore(place.shared, place.root if place.root.name else None)
