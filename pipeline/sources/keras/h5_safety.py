"""Refuses HDF5 files that reach outside themselves or are far larger than they look.

HDF5 is more than arrays: a file may name other files to read (external links,
external and virtual datasets), name filter plug-ins to load, and declare
terabytes that a few bytes stand for. Keras writes none of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.base.errors import SourceError

SIGNATURE = b"\x89HDF\r\n\x1a\n"

#: All arrays of the file together, once read: far above any model that runs in a browser.
MAX_BYTES = 4 * 2**30

#: Groups, arrays and attributes: the largest Keras applications have some 5,000.
MAX_OBJECTS = 200_000

#: deflate, shuffle, fletcher32, lzf: built into h5py. Another number makes HDF5 load a plug-in.
BUILT_IN_FILTERS = frozenset({1, 2, 3, 32000})


def check_h5(path: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Return if every object of the file lies in the file itself and all is of bounded size.

    Reads structure only, no array. Raises SourceError naming the file and the object.
    """
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise SourceError(
                "this is not an HDF5 file",
                where=str(path),
                todo="get the file again, or save the model again",
            )
    with open_h5(path) as root:
        _check_tree(root, path, max_bytes)


@contextmanager
def open_h5(path: Path) -> Iterator[Any]:
    """An ``h5py.File`` to read; what is damaged in it is a SourceError whenever it is read."""
    import h5py

    try:
        with h5py.File(path, "r") as root:
            yield root
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise SourceError(
            f"this HDF5 file is corrupt or cut short ({_first_line(error)})",
            where=str(path),
            todo="get the file again",
        ) from error


def _check_tree(root: Any, path: Path, max_bytes: int) -> None:
    import h5py

    total = 0
    for count, (name, item) in enumerate(_objects(root, path)):
        if count > MAX_OBJECTS:
            raise _refuse(path, "/", f"it holds more than {MAX_OBJECTS:,} objects")
        if isinstance(item, h5py.Dataset):
            total += _checked_bytes(item, path, name)
        total += sum(_attribute_bytes(item.attrs.get_id(key)) for key in item.attrs)
        if total > max_bytes:
            raise _refuse(path, name, f"it declares more than {max_bytes:,} bytes")


def _objects(root: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Every group and dataset once, also where a group is linked from within itself."""
    import h5py

    pending, seen = [("/", root)], set()
    while pending:
        name, item = pending.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        yield name, item
        if isinstance(item, h5py.Group):
            pending.extend(_children(item, path, name.rstrip("/")))


def _children(group: Any, path: Path, prefix: str) -> Iterator[tuple[str, Any]]:
    import h5py

    for key in group:
        name = f"{prefix}/{key}"
        link = group.get(key, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise _refuse(path, name, f"it is {_LINKS.get(type(link).__name__, 'a foreign link')}")
        yield name, group[key]


_LINKS = {"ExternalLink": "a link to another file", "SoftLink": "a soft link"}


def _checked_bytes(dataset: Any, path: Path, name: str) -> int:
    """Size of a dataset in memory, after the checks of where its bytes come from."""
    if dataset.is_virtual:
        raise _refuse(path, name, "its values are taken from other files (a virtual dataset)")
    if dataset.external:
        raise _refuse(path, name, "its values are kept in another file (external storage)")
    creation = dataset.id.get_create_plist()
    for index in range(creation.get_nfilters()):
        number = creation.get_filter(index)[0]
        if number not in BUILT_IN_FILTERS:
            raise _refuse(path, name, f"it needs filter plug-in {number}")
    return int(dataset.nbytes)


def _attribute_bytes(attribute: Any) -> int:
    # Not get_storage_size(): it fails on the empty lists that Keras writes.
    points = attribute.get_space().get_simple_extent_npoints()
    return int(points * attribute.get_type().get_size())


def _refuse(path: Path, name: str, why: str) -> SourceError:
    return SourceError(
        f"refused {name!r} in this HDF5 file: {why}",
        where=str(path),
        todo="save the model again with Keras, which writes plain arrays only",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip("'\"").splitlines() or [type(error).__name__])[0]
