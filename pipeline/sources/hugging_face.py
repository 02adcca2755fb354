"""A model in a repository of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping
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


def list_models(repo: str, revision: str = "main") -> tuple[list[str], list[str]]:
    """The files of a repository that are models by their names, the best first; and the others.

    Raises:
        SourceError: the hub does not tell.
    """
    files = sorted(_list(Options(repo=repo, revision=revision)), key=_rank)
    models = [name for name in files if name.endswith(_KINDS)]
    return models, [name for name in files if name not in models]


def _unnamed(options: Options) -> SourceError:
    """What there is in the repository, for whoever has to choose."""
    models, others = list_models(options.repo, options.revision)
    if models:
        said, todo = f"its models: {', '.join(models[:40])}", "name one of these"
    else:
        held = ", ".join(others[:8]) or "nothing"
        said = f"it holds no model of a kind that is known, but {held}"
        todo = f"make an ONNX file of it: optimum-cli export onnx --model {options.repo} FOLDER"
    what = f"no file of {options.repo} is named; {said}"
    return SourceError(what, where=f"{_WHERE}.file", todo=todo)


def _rank(name: str) -> tuple[int, int, str]:
    kinds = [place for place, kind in enumerate(_KINDS) if name.endswith(kind)]
    return min(kinds, default=len(_KINDS)), len(name), name


def _list(options: Options) -> list[str]:
    """The names of a repository's files, by the hub's API."""
    import httpx

    token = HUB.token
    url = f"{HUB.address}/api/models/{options.repo}/revision/{quote(options.revision, safe='')}"
    try:
        answer = httpx.get(
            url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=30,
            follow_redirects=True,
        )
        answer.raise_for_status()
        described: Mapping[str, Any] = answer.json()
        return [str(entry["rfilename"]) for entry in described["siblings"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"no file of {options.repo} is named, and its files cannot be listed: "
            f"{str(error).splitlines()[0]}",
            where=f"{_WHERE}.file",
            todo="name the file, as its page on the hub shows it",
        ) from error


SOURCE = Source(
    name="hugging_face",
    options=Options,
    pull=pull,
    remote_files=remote_files,
    gives=lambda options: kinds.named(options.file),
)
