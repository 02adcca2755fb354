"""Models that packages of npm and Python ship: nothing of the package runs."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import Field

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import MissingToolError, SourceError
from pipeline.base.options import StrictOptions
from pipeline.download.unpack import unpack
from pipeline.sources.content import list_models, named, recognize, write_any
from pipeline.sources.tfjs import files as tfjs_files

MAX_BYTES = 8 * 2**30
MAX_FILES = 100_000

#: Seconds within which a package has to be here.
TIMEOUT_S = 1800


class PackageOptions(StrictOptions):
    """A model that a package ships."""

    name: str
    """The package, as its registry calls it."""
    version: str = Field(pattern=r"^\d+(\.\w+)*([-+.]\w+)*$")
    """Exactly one version of it."""
    file: str | None = None
    """The model's file in the package; of a TF.js model its model.json. Without it the error lists
    the models that there are."""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """The file's digest, of a TF.js model that of its model.json and weight files, one behind the
    other; without it the error tells it."""


def fetch(command: Sequence[str], into: Path, where: str, asked: str) -> Path:
    """The one file that a package manager puts into a folder.

    Raises:
        MissingToolError: the package manager is not on this machine.
        SourceError: it cannot get the package; with its own last words.
    """
    program = shutil.which(command[0])
    if program is None:
        raise MissingToolError(
            f"{command[0]} is not here, which gets {asked}",
            where=where,
            todo=f"install {command[0]}, or get the package's file and name it under a source of "
            "its kind",
        )
    into.mkdir()
    try:
        done = subprocess.run(
            [program, *command[1:]],
            cwd=into,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        problem = done.stderr if done.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"it took more than {TIMEOUT_S // 60} minutes"
    got = [path for path in into.iterdir() if path.is_file()]
    if problem or len(got) != 1:
        raise SourceError(
            f"{command[0]} cannot get {asked}: {_summarize(problem)}",
            where=where,
            todo="check name and version, and that the registry can be reached from here",
        )
    return got[0]


def write_packaged(
    archive: Path,
    options: PackageOptions,
    work: Path,
    *,
    where: str,
    licence: Callable[[Path], Mapping[str, str]],
    inside: str = "",
) -> None:
    """Write the source folder of a package's file, with the package's facts beside it.

    Args:
        archive: the package, in a folder of its own; both are removed.
        where: the option of the config that names it.
        licence: the unpacked package -> its licence, as it says.
        inside: the archive's folder in which the package lies.

    Raises:
        SourceError: there is no such file, it is no model, or another one than was meant.
    """
    unpacked = work / "unpacked"
    unpack(archive, unpacked, max_bytes=MAX_BYTES, max_files=MAX_FILES)
    shutil.rmtree(archive.parent)
    folder = unpacked / inside
    path = _file(folder, options.file, where)
    digest = _digest(path, where)
    if digest != options.sha256:
        _refuse(digest, options, where)
    write_any(path, work, f"{where}: {options.name}/{options.file}")
    facts = {"name": options.name, "version": options.version}
    SourceFolder(work).tell(facts | dict(licence(folder)))
    shutil.rmtree(unpacked)


def _file(folder: Path, name: str | None, where: str) -> Path:
    path = folder / (name or "")
    inside = path.resolve().is_relative_to(folder.resolve())
    if name and inside and path.is_file() and recognize(path):
        return path
    models = named(list_models(folder), folder, 40)
    what = f"{name!r} is no model of this package" if name else "no file of the package is named"
    raise SourceError(
        f"{what}; its models: {models}", where=f"{where}.file", todo="name one of these"
    )


def _digest(path: Path, where: str) -> str:
    """Of a file and what belongs to it."""
    digest = hashlib.sha256()
    belonging: list[Path] = []
    if tfjs_files.is_model(path):
        belonging = [*tfjs_files.list_files(tfjs_files.read_model(path), path.parent, where)]
    for file in (path, *belonging):
        with file.open("rb") as opened:
            while block := opened.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def _refuse(digest: str, options: PackageOptions, where: str) -> None:
    if options.sha256 is None:
        raise SourceError(
            f"the digest of {options.file} is not written down: {digest}",
            where=f"{where}.sha256",
            todo="if this is the model that you know, write that into the config",
        )
    raise SourceError(
        f"{options.file} has the digest {digest}, and the config says {options.sha256}",
        where=f"{where}.sha256",
        todo="find out why it changed before you take it",
    )


def _summarize(problem: str) -> str:
    """What a package manager says of a failure, in one line and without its decoration."""
    lines = [line.strip() for line in problem.splitlines() if line.strip()]
    words = [line.split("ERROR: ")[-1].removeprefix("npm error ") for line in lines]
    causes = [
        word for word in words if word and not word.startswith(("A complete log", "[notice]"))
    ]
    return next((word for word in causes if "404" in word or "No matching" in word), "") or next(
        reversed(causes), "it gave no file"
    )
