"""Archives, good and hostile."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.base.errors import SourceError
from pipeline.download.unpack import is_archive, unpack

FILES = {"model/saved_model.pb": b"graph" * 1000, "model/variables/v.index": b"", "top.txt": b"x"}


def zip_of(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_of(files: dict[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    return tar_with([member(name, content) for name, content in files.items()], format_)


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar_with(
    members: list[tuple[tarfile.TarInfo, bytes]], format_: int = tarfile.PAX_FORMAT
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def unpacked(
    tmp_path: Path, content: bytes, max_bytes: int = 10**6, max_files: int = 20
) -> dict[str, bytes]:
    """Unpack under a folder of its own, and make sure that nothing else was touched."""
    archive = tmp_path / "archive"
    archive.write_bytes(content)
    into = tmp_path / "room" / "into"
    try:
        unpack(archive, into, max_bytes=max_bytes, max_files=max_files)
    finally:
        assert [path.name for path in (tmp_path / "room").iterdir()] == ["into"]
        assert {path.name for path in tmp_path.iterdir()} == {"archive", "room"}
        written = [path for path in into.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in written) <= max_bytes
        assert not any(path.is_symlink() for path in into.rglob("*"))
    return {path.relative_to(into).as_posix(): path.read_bytes() for path in written}


def refused(tmp_path: Path, content: bytes, max_bytes: int = 10**6, max_files: int = 20) -> str:
    with pytest.raises(SourceError) as caught:
        unpacked(tmp_path, content, max_bytes, max_files)
    assert caught.value.where == str(tmp_path / "archive")
    return caught.value.what


GOOD: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zip_of(FILES),
    "zip stored": lambda: zip_of(FILES, zipfile.ZIP_STORED),
    "tar": lambda: tar_of(FILES),
    "gnu tar": lambda: tar_of(FILES, tarfile.GNU_FORMAT),
    "tar.gz": lambda: gzip.compress(tar_of(FILES)),
    "tar.bz2": lambda: bz2.compress(tar_of(FILES)),
    "tar.xz": lambda: lzma.compress(tar_of(FILES)),
}


@pytest.mark.parametrize("kind", GOOD)
def test_good(tmp_path: Path, kind: str) -> None:
    assert unpacked(tmp_path, GOOD[kind]()) == FILES
    assert is_archive(tmp_path / "archive")


def test_folders_dots_and_long_names(tmp_path: Path) -> None:
    long = "a" * 150 + "/" + "b" * 200
    members = [
        member(".", type=tarfile.DIRTYPE),
        member("./d/", type=tarfile.DIRTYPE),
        member("./d/x", b"1"),
        member(long, b"2"),
    ]
    for format_ in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        folder = tmp_path / str(format_)
        folder.mkdir()
        assert unpacked(folder, tar_with(members, format_)) == {"d/x": b"1", long: b"2"}


def test_modes_are_not_taken_over(tmp_path: Path) -> None:
    unpacked(tmp_path, tar_with([member("x", b"1", mode=0o4777)]))
    mode = (tmp_path / "room" / "into" / "x").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_IXUSR | stat.S_IWOTH)


NAMES = {
    "/etc/x": "it would be written outside of the folder",
    "../x": "it would be written outside of the folder",
    "a/../../x": "it would be written outside of the folder",
    "a/../x": "it would be written outside of the folder",
    "C:/x": "it would be written outside of the folder",
    "c:x": "it would be written outside of the folder",
    "..\\x": "its name has a backslash or an unprintable character",
    "a\nb": "its name has a backslash or an unprintable character",
    "a\x00b": "its name has a backslash or an unprintable character",
    "n" * 300: "its name is too long",
    "d/" * 600 + "x": "its name is too long",
}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name)[:20])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_elsewhere(tmp_path: Path, kind: str, name: str) -> None:
    if kind == "zip":
        info = zipfile.ZipInfo("placeholder")
        info.filename = name  # the constructor would cut it at a NUL
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(info, b"evil")
        content = out.getvalue()
    elif "\x00" in name:
        content = tar_with([member("x", b"evil", pax_headers={"path": name})])
    else:
        content = tar_of({name: b"evil"})
    shown = name[:200]
    assert refused(tmp_path, content) == f"refused member {shown!r}: {NAMES[name]}"


@pytest.mark.parametrize(
    "type_", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_tar_links_and_devices(tmp_path: Path, type_: bytes) -> None:
    link = member("x", type=type_, linkname="/etc/passwd", devmajor=1, devminor=3)
    what = refused(tmp_path, tar_with([link, member("x/y", b"evil")]))
    assert what == "refused member 'x': it is neither a plain file nor a folder"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_zip_links_and_devices(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("x")
    info.external_attr = (kind | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    what = refused(tmp_path, out.getvalue())
    assert what == "refused member 'x': it is neither a file nor a folder"


def test_sparse_tar(tmp_path: Path) -> None:
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "99999999"}
    content = tar_with([member("x", b"1\n0\n5\n" + bytes(506) + b"12345", pax_headers=sparse)])
    assert refused(tmp_path, content) == (
        "refused member 'x': it is neither a plain file nor a folder"
    )


@pytest.mark.parametrize("make", [zip_of, lambda files: gzip.compress(tar_of(files))])
def test_bomb(tmp_path: Path, make: Callable[[dict[str, bytes]], bytes]) -> None:
    content = make({"small": b"x", "zeros": bytes(2_000_000)})
    assert len(content) < 10_000
    assert refused(tmp_path, content) == (
        "refused member 'zeros': unpacked, it is larger than 1,000,000 bytes"
    )


def test_total_counts_not_each_file(tmp_path: Path) -> None:
    assert "larger than" in refused(tmp_path, zip_of({"a": bytes(600_000), "b": bytes(600_000)}))


def test_zip_that_lies_about_sizes(tmp_path: Path) -> None:
    content = zip_of({"zeros": bytes(2_000_000)})
    lie = content.replace(struct.pack("<L", 2_000_000), struct.pack("<L", 10))
    assert lie != content
    what = refused(tmp_path, lie)
    assert what.startswith("this is no whole zip or tar archive at member 'zeros' (Bad CRC-32")


def test_tar_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 300 * 2**20
    content = gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + bytes(4 * 2**20))
    assert refused(tmp_path, content, max_bytes=2**31) == (
        "refused member '': a header of 314,572,800 bytes"
    )


def test_tar_of_nothing_but_headers(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 0
    content = gzip.compress((header.tobuf(tarfile.GNU_FORMAT)) * 20_000)
    assert refused(tmp_path, content).startswith("this is no whole zip or tar archive")


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_too_many_files(tmp_path: Path, make: Callable[[dict[str, bytes]], bytes]) -> None:
    content = make({f"f{i}": b"" for i in range(21)})
    assert refused(tmp_path, content) == (
        "refused member 'f20': it holds more than 20 files and folders"
    )
    (tmp_path / "again").mkdir()
    assert len(unpacked(tmp_path / "again", content, max_files=21)) == 21


def test_duplicates(tmp_path: Path) -> None:
    for number, names in enumerate((["a", "./a"], ["a", "a/b"], ["a/b", "a"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        what = refused(folder, tar_with([member(name, b"x") for name in names]))
        assert what == f"refused member {names[1]!r}: another member has the same name"


def test_encrypted(tmp_path: Path) -> None:
    content = bytearray(zip_of({"secret": b"x"}))
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    assert refused(tmp_path, bytes(content)) == "refused member 'secret': it is encrypted"


@pytest.mark.parametrize("kind", GOOD)
def test_cut_short(tmp_path: Path, kind: str) -> None:
    content = GOOD[kind]()
    # A tar is padded with zeros at its end: cut into its first file.
    cut = content[: 2000 if "tar" in kind and len(content) > 2000 else len(content) // 2]
    assert refused(tmp_path, cut).startswith("this is no whole zip or tar archive")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_flipped_bit(tmp_path: Path, kind: str) -> None:
    noise = os.urandom(20_000)
    makers = {"zip": zip_of, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    make = makers[kind.rpartition(".")[2]]
    content = bytearray(make({"x": noise}) if kind == "zip" else make(tar_of({"x": noise})))  # type: ignore[operator]
    content[10_000] ^= 1
    assert refused(tmp_path, bytes(content)).startswith("this is no whole zip or tar archive")


def test_checksum_at_the_end_is_compared(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(tar_of(FILES)))
    content[-6] ^= 1
    assert "CRC check failed" in refused(tmp_path, bytes(content))


def test_damaged_header_in_the_middle(tmp_path: Path) -> None:
    content = bytearray(tar_of({"a": b"1", "b": b"2"}))
    assert content[1024:1025] == b"b"
    content[1024] = ord("c")  # the header's checksum is now wrong
    assert "damaged header at byte 1,024" in refused(tmp_path, bytes(content))


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>" * 100, b"PK\x03\x04" + bytes(600)])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content).startswith("this is no whole zip or tar archive")
