"""What a person calls their model -> the source of a config."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pipeline.base.errors import ConfigError
from pipeline.inputs.contract import inputs
from pipeline.sources import pytorch
from pipeline.sources.content import list_models, named, recognize

#: Of a hub: ``org/name``, and ``owner/model/framework/variation/version``.
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_HANDLE = re.compile(r"[\w.-]+(/[\w.-]+){3}/\d+")

#: What transformers' models say of themselves, and how the hub's commonest licences are written.
CONFIG = "config.json"
LICENCES = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause"}

#: What a folder of TensorFlow's holds.
SAVED_MODEL = "saved_model.pb"


@dataclass(frozen=True)
class Named:
    """A model, by its source."""

    name: str
    """A config's ``name``."""
    source: Mapping[str, Any]
    """As a config has it."""
    samples: Mapping[str, Any] | None = None
    """Where they come with the model."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Kind of input -> what stands beside the model of how it is made."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What is known of its input."""
    labels: tuple[str, ...] = ()
    license: str | None = None


#: What there is to try without a model of one's own.
TOUR = Named(
    "tour",
    {"bundled": "mobilenet_digits"},
    {"bundled": "digits"},
    options={"scale": [-1, 1]},
    labels=tuple(map(str, range(10))),
    license="Apache-2.0",
)


def name_source(model: str, folder: Path) -> Named:
    """The source of a config that lies in ``folder``.

    Args:
        model: a file, a folder, an address, or a name on a hub.

    Raises:
        ConfigError: it is nothing that a config can name.
        SourceError: a hub does not say what it has.
    """
    path = Path(model).expanduser()
    if path.exists():
        return _of_path(path, folder)
    if urlsplit(model).scheme in ("http", "https"):
        return Named(to_name(PurePosixPath(urlsplit(model).path).stem), {"url": model})
    if _HANDLE.fullmatch(model):
        return Named(to_name(model.split("/")[1]), {"kaggle": model})
    if _REPOSITORY.fullmatch(model) and not path.suffix:
        return _of_repository(model)
    raise ConfigError(
        f"there is no {model}",
        todo="name a model's file or folder, its address, or its name on a hub, as org/name of "
        "Hugging Face; without one, `pipeline init` makes a config of a bundled model",
    )


def named_from(path: Path, folder: Path) -> str:
    """A path as a config that lies in ``folder`` names it."""
    return Path(os.path.relpath(path, folder)).as_posix()


def to_name(text: str) -> str:
    """What a config may be called, of anything."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "model"


def _of_path(path: Path, folder: Path) -> Named:
    shown = named_from(path, folder)
    if path.is_dir():
        return _of_folder(path, shown)
    if pytorch.is_pytorch(path.name):
        todo = pytorch.advise(str(path), "pipeline init net.onnx")
        raise ConfigError(pytorch.explain(str(path)), todo=todo)
    kind = recognize(path)
    if kind is None:
        raise ConfigError(
            f"{path} is no model of a kind that is known",
            todo="name an ONNX, TFLite, Keras or TF.js (model.json) file, a frozen .pb, "
            "or a SavedModel's folder",
        )
    stem = path.parent.resolve().name if path.stem in ("model", "saved_model") else path.stem
    return Named(to_name(stem), {kind.name: shown})


def _of_folder(path: Path, shown: str) -> Named:
    if (path / SAVED_MODEL).is_file():
        return Named(to_name(path.resolve().name), {"saved_model": shown})
    models = list_models(path)
    if len(models) == 1 and (kind := recognize(models[0])):
        inner = models[0].relative_to(path).as_posix()
        return Named(to_name(path.resolve().name), {kind.name: f"{shown}/{inner}"})
    what = f"{len(models)} models: {named(models, path)}" if models else "no model"
    raise ConfigError(f"{path} holds {what}", todo="name one model's file")


def _of_repository(repo: str) -> Named:
    from pipeline.sources import hugging_face

    there = hugging_face.describe(repo)
    if not there.models:
        raise ConfigError(
            f"{repo} holds no model of a kind that is known",
            todo=f"make an ONNX file of it: optimum-cli export onnx --model {repo} FOLDER",
        )
    file = there.models[0]
    beside = [name for name in there.others if name in (f"{file}_data", f"{file}.data")]
    source = {"repo": repo, "file": file} | ({"beside": beside} if beside else {})
    return Named(
        to_name(repo.split("/")[1]),
        {"hugging_face": source},
        facts={
            kind: hugging_face.read_json(repo, input_.facts)
            for kind, input_ in inputs().items()
            if input_.facts in there.others
        },
        labels=_labels(hugging_face.read_json(repo, CONFIG) if CONFIG in there.others else None),
        license=LICENCES.get(there.license or "", there.license),
    )


def _labels(config: Any) -> tuple[str, ...]:
    """The classes that a model of transformers names, where they are numbered from 0."""
    named = config.get("id2label") if isinstance(config, Mapping) else None
    if not isinstance(named, Mapping) or {*named} != {str(index) for index in range(len(named))}:
        return ()
    return tuple(str(named[str(index)]) for index in range(len(named)))
