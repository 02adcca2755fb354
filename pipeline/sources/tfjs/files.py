"""A TF.js model's files: read with bounds, and kept under names of ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.base.errors import SourceError

MODEL = ConvertedTfjs.MODEL

MAX_MODEL_BYTES = 256 * 2**20
MAX_WEIGHT_BYTES = 4 * 2**30
MAX_FILES = 10_000

Kind = Literal["graph", "layers"]

#: TF.js' dtypes, and those that its converter stores weights in -> bytes each.
BYTES = {
    **{"float32": 4, "int32": 4, "uint32": 4, "complex64": 8},
    **{"bool": 1, "uint8": 1, "int8": 1, "float16": 2, "uint16": 2, "int16": 2},
}


class _Described(BaseModel):
    # Every command imports this, and few read a model.
    model_config = ConfigDict(defer_build=True)


class Quantization(_Described):
    """How a weight is stored: ``value = data * scale + min``, or a narrower float."""

    dtype: Literal["uint8", "uint16", "float16"]
    scale: float | None = None
    min: float | None = None


class WeightEntry(_Described):
    """One weight of a manifest."""

    name: str
    shape: list[Annotated[int, Field(ge=0)]]
    dtype: Literal["float32", "int32", "bool", "string", "complex64"]
    quantization: Quantization | None = None

    @property
    def bytes(self) -> int:
        """In its file."""
        stored = self.quantization.dtype if self.quantization else self.dtype
        return prod(self.shape) * BYTES[stored]


class WeightGroup(_Described):
    """Weights that lie one behind the other in files, which are cut anywhere."""

    paths: list[str]
    weights: list[WeightEntry]


class _Manifest(_Described):
    weightsManifest: list[WeightGroup]  # noqa: N815  (as TF.js spells it)


def read_model(path: Path) -> dict[str, Any]:
    """A ``model.json``.

    Raises:
        SourceError: it is none, or is larger than one may be.
    """
    todo = "name the model.json that TF.js loads; weight files lie beside it"
    if not path.is_file() or path.stat().st_size > MAX_MODEL_BYTES:
        what = f"this is no model.json: a file of up to {MAX_MODEL_BYTES:,} bytes"
        raise SourceError(what, where=str(path), todo=todo)
    try:
        model = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise SourceError("this is no JSON", where=str(path), todo=todo) from error
    if not isinstance(model, dict) or not isinstance(model.get("modelTopology"), dict):
        raise SourceError(
            "this JSON is no TF.js model: it has no modelTopology", where=str(path), todo=todo
        )
    return model


def is_model(path: Path) -> bool:
    """Whether a file is a ``model.json``."""
    with path.open("rb") as file:
        if file.read(1) != b"{" or path.stat().st_size > MAX_MODEL_BYTES:
            return False
        # Packages hold other JSON by the thousand.
        return b'"modelTopology"' in file.read()


def kind_of(model: dict[str, Any]) -> Kind:
    """By its content: old files do not say it."""
    return "graph" if "node" in model["modelTopology"] else "layers"


def groups_of(model: dict[str, Any], where: str) -> list[WeightGroup]:
    """Its weights, and the files in which they are.

    Raises:
        SourceError: they are not described as TF.js describes them, or hold strings.
    """
    try:
        groups = _Manifest.model_validate(model).weightsManifest
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SourceError(
            f"this model does not describe its weights as TF.js does: {place}: {first['msg']}",
            where=where,
            todo="convert it again with tensorflowjs_converter",
        ) from error
    if strings := [e.name for group in groups for e in group.weights if e.dtype == "string"]:
        raise SourceError(
            f"the weight {strings[0]!r} holds text, which no artifact can",
            where=where,
            todo="convert the model again without its table, and look words up in front of it",
        )
    return groups


def list_files(model: dict[str, Any], folder: Path, where: str) -> Iterator[Path]:
    """Its weight files, in the order of the manifest.

    Raises:
        SourceError: one would lie outside of the folder, is not there, or is too short.
    """
    total, count = 0, 0
    for group in groups_of(model, where):
        paths = [_inside(folder, path, where) for path in group.paths]
        yield from paths
        have, need = sum(path.stat().st_size for path in paths), sum(e.bytes for e in group.weights)
        total, count = total + have, count + len(paths)
        if have < need:
            raise SourceError(
                f"its weights need {need:,} bytes, and {', '.join(group.paths[:3])} "
                f"{'have' if len(paths) > 1 else 'has'} {have:,}",
                where=where,
                todo="get the weight files again, whole: a server may have sent a page in place "
                "of one",
            )
        if total > MAX_WEIGHT_BYTES or count > MAX_FILES:
            raise SourceError(
                f"refused: more than {MAX_WEIGHT_BYTES:,} bytes or {MAX_FILES:,} weight files",
                where=where,
            )


def is_inside(path: str) -> bool:
    """Whether a path of a manifest leads to a file in its model's folder, on any system."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and not {":", "\\"} & {*path}


def _inside(folder: Path, path: str, where: str) -> Path:
    if not is_inside(path):
        raise SourceError(
            f"refused the weight file {path!r}: it would lie outside of the model's folder",
            where=where,
            todo="put the files beside the model.json, and their bare names into its paths",
        )
    file = folder / path
    if file.is_symlink() or not file.is_file():
        raise SourceError(
            f"the weight file {path!r} is not beside the model",
            where=where,
            todo="put all files that its weightsManifest names there",
        )
    return file


def copy(model: dict[str, Any], folder: Path, work: Path, where: str) -> None:
    """Write ``model.json`` and its weight files, which get names of ours.

    Raises:
        SourceError: as ``list_files``.
    """
    files = [*list_files(model, folder, where)]
    names = [f"weights-{number}.bin" for number in range(len(files))]
    for file, name in zip(files, names, strict=True):
        shutil.copyfile(file, work / name)
    left = iter(names)
    for group in model["weightsManifest"]:
        group["paths"] = [next(left) for _ in group["paths"]]
    (work / MODEL).write_text(json.dumps(model))
