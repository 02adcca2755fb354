"""A model in a repository of the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.base.options import StrictOptions
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import Files, step
from pipeline.graphs import kinds
from pipeline.sources.contract import Source
from pipeline.sources.downloaded import RelativeFile, write_files
from pipeline.sources.hub import Hub
from pipeline.sources.tfjs.files import MODEL

_WHERE = "source.hugging_face"

HUB = Hub(
    "https://huggingface.co",
    "HF_ENDPOINT",
    "HF_TOKEN",
    "get the file some other way and name it under a source of its kind",
)

#: Files without which a model means nothing, and that no other program wants to have: what is
#: listed where no file is named, the best first.
_KINDS = (".onnx", ".tflite", MODEL, ".keras", ".h5")

#: Bytes of a list of files, and of a description.
_MOST_LISTED, _MOST_JSON = 16 * 2**20, 4 * 2**20


class Options(StrictOptions):
    """A model file in a repository of the Hugging Face hub, by its name there."""

    shorthand: ClassVar[str | None] = "repo"

    repo: str = Field(pattern=r"^\w[\w.-]*(/\w[\w.-]*)?$")
    """The repository, such as onnx-community/mobilenet_v2_1.0_224."""
    revision: str = Field("main", pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")
    """A commit, a tag or a branch; whatever it is, what it gave is kept in the config's .lock."""
    file: RelativeFile | None = None
    """The model's file, such as onnx/model.onnx. Without it the error lists those that there
    are."""
    beside: tuple[RelativeFile, ...] = ()
    """Files that it reads, such as onnx/model.onnx_data."""
    max_bytes: int = Field(8 * 2**30, ge=1)
    """Bytes of a file at most."""


def remote_files(options: Options) -> dict[str, RemoteFile]:
    """The model's file and those that it reads."""
    if options.file is None:
        return {}
    root = f"{options.repo}/resolve/{quote(options.revision, safe='')}"
    return {
        name: HUB.remote_file(f"{root}/{quote(name)}", options.max_bytes)
        for name in (options.file, *options.beside)
    }


@step(version=1)
def pull(files: Files, options: Options, work: Path) -> None:
    """Make a source folder of the files, told by their content."""
    if options.file is None:
        raise _unnamed(options)
    named = {name: files[name] for name in (options.file, *options.beside)}
    if not write_files(named, options.file, work, f"{_WHERE}: {options.repo}/{options.file}"):
        raise SourceError(
            f"{options.file} is no model of a kind that is known",
            where=f"{_WHERE}.file",
            todo="name an ONNX, TFLite, TF.js or Keras file; of PyTorch's files make an ONNX one: "
            f"optimum-cli export onnx --model {options.repo} FOLDER",
        )
    SourceFolder(work).tell({"name": options.repo, "revision": options.revision})


@dataclass(frozen=True)
class Repository:
    """What the hub tells of one."""

    models: tuple[str, ...]
    """Files that are models by their names, the best first."""
    others: tuple[str, ...]
    license: str | None
    """As its page names it, such as ``apache-2.0``."""


def describe(repo: str, revision: str = "main") -> Repository:
    """What there is in a repository.

    Raises:
        SourceError: the hub does not tell.
    """
    options = Options(repo=repo, revision=revision)
    try:
        told: Mapping[str, Any] = _get(
            f"api/models/{repo}/revision/{quote(revision, safe='')}", _MOST_LISTED
        )
        names = [str(entry["rfilename"]) for entry in told["siblings"]]
        tags = [str(tag) for tag in told.get("tags", ())]
    except (KeyError, TypeError) as error:
        raise _untold(options, f"no {error}") from error
    except ValueError as error:
        raise _untold(options, str(error).splitlines()[0]) from error
    files = sorted(names, key=_rank)
    models = tuple(name for name in files if name.endswith(_KINDS))
    licences = (tag.removeprefix("license:") for tag in tags if tag.startswith("license:"))
    others = tuple(name for name in files if name not in models)
    return Repository(models, others, next(licences, None))


def read_json(repo: str, file: str, revision: str = "main") -> Any:
    """A small JSON file of a repository; ``None`` where it cannot be had."""
    try:
        return _get(f"{repo}/resolve/{quote(revision, safe='')}/{quote(file)}", _MOST_JSON)
    except ValueError:
        return None


def _unnamed(options: Options) -> SourceError:
    """What there is in the repository, for whoever has to choose."""
    there = describe(options.repo, options.revision)
    if there.models:
        said, todo = f"its models: {', '.join(there.models[:40])}", "name one of these"
    else:
        held = ", ".join(there.others[:8]) or "nothing"
        said = f"it holds no model of a kind that is known, but {held}"
        todo = f"make an ONNX file of it: optimum-cli export onnx --model {options.repo} FOLDER"
    what = f"no file of {options.repo} is named; {said}"
    return SourceError(what, where=f"{_WHERE}.file", todo=todo)


def _rank(name: str) -> tuple[int, int, str]:
    kinds = [place for place, kind in enumerate(_KINDS) if name.endswith(kind)]
    return min(kinds, default=len(_KINDS)), len(name), name


def _get(path: str, most: int) -> Any:
    """JSON of the hub.

    Raises:
        ValueError: it cannot be had, is none, or has more bytes than ``most``.
    """
    import httpx

    token = HUB.token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{HUB.address}/{path}"
    content = bytearray()
    try:
        with httpx.stream("GET", url, headers=headers, timeout=30, follow_redirects=True) as came:
            came.raise_for_status()
            for part in came.iter_bytes():
                content += part
                if len(content) > most:
                    raise ValueError(f"{path} has over {most:,} bytes")
    except httpx.HTTPError as error:
        raise ValueError(str(error)) from error
    return json.loads(content)


def _untold(options: Options, why: str) -> SourceError:
    return SourceError(
        f"no file of {options.repo} is named, and its files cannot be listed: {why}",
        where=f"{_WHERE}.file",
        todo="name the file, as its page on the hub shows it",
    )


SOURCE = Source(
    name="hugging_face",
    options=Options,
    pull=pull,
    remote_files=remote_files,
    gives=lambda options: kinds.named(options.file),
)
