"""Unpacks archives that come from elsewhere: nothing leaves the folder, all is bounded."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from pipeline.base.errors import PipelineError, SourceError

_BLOCK_BYTES: Final = 2**16

#: A tar header never needs more at once: longer ones are there to fill the memory.
_HEADER_BYTES: Final = 2**20

_OPENERS: Final[dict[bytes, Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}

_CORRUPT = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeError,
    ValueError,
)


def unpack(archive: Path, into: Path, *, max_bytes: int, max_files: int) -> None:
    """Unpack a .zip, or a .tar as it is or compressed with gzip, bzip2 or xz, into a folder.

    The kind is told by content. Only plain files and folders are made, without their modes
    and times. ``max_bytes`` bounds what is really written, ``max_files`` files and folders.
    Raises SourceError naming archive and member; the folder may then hold a part.
    """
    into.mkdir(parents=True, exist_ok=True)
    with _tell_corruption(archive):
        if zipfile.is_zipfile(archive) and _starts_with(archive, b"PK"):
            _unpack_zip(archive, _Target(archive, into, max_bytes, max_files))
        else:
            _unpack_tar(archive, _Target(archive, into, max_bytes, max_files))


def is_archive(path: Path) -> bool:
    """True for what ``unpack`` takes, judged by the first bytes."""
    if _starts_with(path, b"PK\x03\x04") or any(_starts_with(path, start) for start in _OPENERS):
        return True
    with path.open("rb") as file:
        return file.read(262)[257:] == b"ustar"


class _Target:
    """The folder that is written, with what may still be written there."""

    def __init__(self, archive: Path, folder: Path, max_bytes: int, max_files: int) -> None:
        self.archive = archive
        self.folder = folder
        self.max_bytes = self.bytes_left = max_bytes
        self.max_files = self.files_left = max_files

    def make_folder(self, name: str) -> None:
        with self._alone(name):
            self._place(name).mkdir(parents=True, exist_ok=True)

    def write_file(self, name: str, content: IO[bytes]) -> int:
        """Write one file and give its bytes."""
        path = self._place(name)
        with self._alone(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as out:
                return self._copy(name, content, out)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        # The file system decides what is the same name: on some, "A" and "a" are.
        try:
            yield
        except (FileExistsError, NotADirectoryError) as error:
            raise self.refuse(name, "another member has the same name") from error

    def _copy(self, name: str, content: IO[bytes], out: IO[bytes]) -> int:
        before = self.bytes_left
        while block := content.read(_BLOCK_BYTES):
            self.bytes_left -= len(block)
            if self.bytes_left < 0:
                raise self.refuse(name, f"unpacked, it is larger than {self.max_bytes:,} bytes")
            out.write(block)
        return before - self.bytes_left

    def _place(self, name: str) -> Path:
        self.files_left -= 1
        if self.files_left < 0:
            raise self.refuse(name, f"it holds more than {self.max_files:,} files and folders")
        return self.folder.joinpath(*self.parts(name))

    def parts(self, name: str) -> list[str]:
        """The folders and the file that a member's name leads through, all checked."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts:
            raise self.refuse(name, "it would be written outside of the folder")
        if "\\" in name or not name.isprintable():
            raise self.refuse(name, "its name has a backslash or an unprintable character")
        if len(name) > 1024 or any(len(part.encode()) > 255 for part in parts):
            raise self.refuse(name, "its name is too long")
        return parts

    def refuse(self, name: str, why: str) -> SourceError:
        return SourceError(
            f"refused member {name[:200]!r}: {why}",
            where=str(self.archive),
            todo="unpack it by hand if you trust it, and name the model's folder or file instead",
        )


def _unpack_zip(archive: Path, target: _Target) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            # orig_filename: zipfile cuts a name short at a NUL and hides what stood there.
            name = member.orig_filename
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.flag_bits & 0x1:
                raise target.refuse(name, "it is encrypted")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise target.refuse(name, "it is neither a file nor a folder")
            with _at(target, name):
                if member.is_dir():
                    target.make_folder(name)
                else:
                    with opened.open(member) as content:
                        target.write_file(name, content)


def _unpack_tar(archive: Path, target: _Target) -> None:
    opener = next((o for start, o in _OPENERS.items() if _starts_with(archive, start)), open)
    # Beside the files themselves: a header and padding each, and long names now and then.
    limit = target.max_bytes + target.max_files * 4096 + _HEADER_BYTES
    with opener(archive, "rb") as raw:
        file = _Bounded(raw, target, limit)
        with tarfile.open(fileobj=cast(Any, file), mode="r:") as opened:
            for member in opened:
                with _at(target, member.name):
                    _unpack_tar_member(opened, member, target)
            _check_end(file, opened.offset)


def _unpack_tar_member(opened: tarfile.TarFile, member: tarfile.TarInfo, target: _Target) -> None:
    if member.isdir():
        target.make_folder(member.name)
        return
    if not member.isreg() or member.issparse():
        raise target.refuse(member.name, "it is neither a plain file nor a folder")
    # Our own checks come first and are stricter; Python's keep up with what is found later.
    target.parts(member.name)
    tarfile.data_filter(member, str(target.folder))
    content = opened.extractfile(member)
    if content is None or target.write_file(member.name, content) != member.size:
        raise tarfile.ReadError("unexpected end of data")


def _check_end(file: _Bounded, offset: int) -> None:
    """Look at what tarfile took for the end: a damaged header looks like it.

    Reading on to the very end makes gzip, bzip2 and xz compare their checksums.
    """
    file.seek(offset)
    if any(file.read(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f"damaged header at byte {offset:,}")
    while file.read(_BLOCK_BYTES):
        pass


class _Bounded:
    """A seekable stream that is never read in large pieces, nor far: against zip bombs."""

    def __init__(self, raw: IO[bytes], target: _Target, limit: int) -> None:
        self._raw, self._target, self._limit = raw, target, limit

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER_BYTES:
            raise self._target.refuse("", f"a header of {size:,} bytes")
        self._check(self._raw.tell() + size)
        return self._raw.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        self._check(position)
        return self._raw.seek(position, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def _check(self, position: int) -> None:
        if position > self._limit:
            largest = self._target.max_bytes
            raise self._target.refuse("", f"unpacked, it is larger than {largest:,} bytes")


@contextmanager
def _at(target: _Target, name: str) -> Iterator[None]:
    """Say which member the archive is corrupt at."""
    try:
        yield
    except tarfile.FilterError as error:
        raise target.refuse(name, str(error)) from error
    except _CORRUPT as error:
        raise _corrupt(target.archive, f" at member {name[:200]!r}", error) from error


@contextmanager
def _tell_corruption(archive: Path) -> Iterator[None]:
    try:
        yield
    except _CORRUPT as error:
        raise _corrupt(archive, "", error) from error
    except OSError as error:
        if error.errno is None:  # gzip's and bz2's own: not from the operating system
            raise _corrupt(archive, "", error) from error
        raise PipelineError(
            f"could not unpack ({error.strerror})",
            where=str(error.filename or archive),
            todo="make room or make the folder writable, and run again",
        ) from error


def _corrupt(archive: Path, where: str, error: Exception) -> SourceError:
    return SourceError(
        f"this is no whole zip or tar archive{where} ({error})",
        where=str(archive),
        todo="get the file again, or unpack it by hand and name the model's folder or file",
    )


def _starts_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start
