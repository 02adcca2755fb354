"""HDF5 files that Keras would never write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pipeline.base.errors import SourceError
from pipeline.sources.keras.h5_safety import check_h5


def written(path: Path, write: Callable[[h5py.File], Any]) -> Path:
    with h5py.File(path, "w") as file:
        write(file)
    return path


def plain(file: h5py.File) -> None:
    layer = file.create_group("conv1/conv1")
    layer["kernel:0"] = np.ones((3, 3), np.float32)
    layer.create_dataset("z", data=np.ones(100), compression="gzip", shuffle=True, fletcher32=True)
    file.attrs["layer_names"] = np.array([b"conv1"])
    file.attrs["keras_version"] = "2.21.0"
    layer.attrs["weight_names"] = np.array([], np.float64)  # as Keras does
    layer.attrs["nothing"] = h5py.Empty("f4")
    file["again"] = file["conv1"]  # a second hard link, and below it a circle
    layer["up"] = file["/"]


def test_plain(tmp_path: Path) -> None:
    check_h5(written(tmp_path / "x.h5", plain))


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("g/v", layout)


def external(file: h5py.File) -> None:
    file.create_dataset("g/e", (16,), "u1", external=[("/etc/passwd", 0, 16)])


def outside(file: h5py.File) -> None:
    file.create_group("g")["l"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft(file: h5py.File) -> None:
    file.create_group("g")["s"] = h5py.SoftLink("/elsewhere")


def plug_in(file: h5py.File) -> None:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((4,))
    creation.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file.id, b"p", h5py.h5t.IEEE_F32LE, space, creation)


REFUSED = {
    virtual: "refused '/g/v' in this HDF5 file: its values are taken from other files"
    " (a virtual dataset)",
    external: "refused '/g/e' in this HDF5 file: its values are kept in another file"
    " (external storage)",
    outside: "refused '/g/l' in this HDF5 file: it is a link to another file",
    soft: "refused '/g/s' in this HDF5 file: it is a soft link",
    plug_in: "refused '/p' in this HDF5 file: it needs filter plug-in 32015",
}


@pytest.mark.parametrize("write", REFUSED, ids=lambda write: write.__name__)
def test_refused(tmp_path: Path, write: Callable[[h5py.File], Any]) -> None:
    path = written(tmp_path / "x.h5", write)
    with pytest.raises(SourceError) as caught:
        check_h5(path)
    assert (caught.value.what, caught.value.where) == (REFUSED[write], str(path))


def test_declares_more_than_it_holds(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.h5",
        lambda file: file.create_dataset("huge", (2**20, 2**20), "f4", chunks=(64, 64)),
    )
    assert path.stat().st_size < 10_000
    with pytest.raises(SourceError, match=r"refused '/huge' .*: it declares more than"):
        check_h5(path)


def test_bytes_add_up(tmp_path: Path) -> None:
    def write(file: h5py.File) -> None:
        file["a"], file["b"] = np.ones(100, np.float32), np.ones(100, np.float32)

    path = written(tmp_path / "x.h5", write)
    check_h5(path, max_bytes=800)
    with pytest.raises(SourceError, match="it declares more than 799 bytes"):
        check_h5(path, max_bytes=799)


def test_no_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    path.write_text("<!DOCTYPE html>")
    with pytest.raises(SourceError, match="this is not an HDF5 file"):
        check_h5(path)


@pytest.mark.parametrize("keep", [50, 400, 1500])
def test_cut_short(tmp_path: Path, keep: int) -> None:
    path = written(tmp_path / "x.h5", plain)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SourceError, match="this HDF5 file is corrupt or cut short"):
        check_h5(path)


def test_any_damage_is_told(tmp_path: Path) -> None:
    """Whatever byte of the structure is damaged: an answer, and only ever a SourceError."""
    path = written(tmp_path / "x.h5", plain)
    whole = path.read_bytes()
    told = 0
    for position in range(8, len(whole), 29):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            check_h5(path)
        except SourceError:
            told += 1
    assert told > 10
