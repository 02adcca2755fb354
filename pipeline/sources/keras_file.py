"""A Keras file: ``.keras`` of Keras 3 or tf_keras, or the older ``.h5``."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import PipelineError, SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.base.reasons import reason_of
from pipeline.engine.step import step
from pipeline.graphs.tensorflow.single import NARROW
from pipeline.sources.contract import LoadedModel, Source
from pipeline.sources.keras.h5_safety import SIGNATURE
from pipeline.sources.keras.safety import check_config

#: All members of a .keras archive together, unpacked.
MAX_BYTES = 4 * 2**30
MAX_MEMBERS = 1000
MAX_CONFIG_BYTES = 64 * 2**20

#: What a lookup of whole numbers was adapted to, one a line.
_VOCABULARY = re.compile(r"assets(/\w+)+/vocabulary\.txt")

_DAMAGED = "get the file again, or save the model again"


class Options(StrictOptions):
    """A model saved by Keras 3 or tf_keras as .keras or .h5."""

    shorthand: ClassVar[str | None] = "path"

    path: InputPath
    """The .keras, .h5 or .hdf5 file."""


def architecture(options: Options) -> dict[str, Any] | None:
    """The model's config as it stands in the file; ``None`` where ``pull`` would refuse it."""
    from pipeline.sources.keras.h5_safety import check_h5

    path = options.path
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return check_config(_read(archive, "config.json", str(path)), str(path))
        import h5py

        check_h5(path)
        with h5py.File(path, "r") as file:
            return check_config(file.attrs["model_config"], str(path))
    except (SourceError, zipfile.BadZipFile, EOFError, NotImplementedError, OSError, KeyError):
        return None


def narrow(options: Options) -> tuple[str, ...]:
    """The dtypes of fewer bits than float32 in which layers compute."""
    config = json.dumps(architecture(options) or {})
    return tuple(name for name in NARROW if re.search(f'"(mixed_)?{name}"', config))


@step(version=1)
def pull(path: Path, options: Options, work: Path) -> None:
    """Check the file and make it a source folder."""
    write_source(path, work)


def write_source(file: Path, work: Path) -> None:
    """Write the source folder of a Keras file that may be unsafe.

    Raises SourceError where it is damaged, or would run code or read other files when loaded.
    """
    name = "model.keras" if zipfile.is_zipfile(file) else "model.h5"
    check(file, str(file))
    shutil.copyfile(file, work / name)
    SourceFolder(work).describe("keras_file", path=name)


def is_keras(file: Path) -> bool:
    """Whether a file is a .keras archive, or HDF5."""
    with file.open("rb") as opened:
        if opened.read(len(SIGNATURE)) == SIGNATURE:
            return True
    if not zipfile.is_zipfile(file):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return {"config.json", "model.weights.h5"} <= set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError):
        return False


def load(folder: Path, details: Mapping[str, Any]) -> LoadedModel:
    """Load what ``write_source`` wrote, without running code from it."""
    import keras
    import tf_keras

    from pipeline.sources.keras.application_layers import application_layers
    from pipeline.sources.keras.mended import mended_layers
    from pipeline.sources.keras.model import from_keras3, from_tf_keras, start_fresh

    if details["path"] not in ("model.keras", "model.h5"):
        raise SourceError(f"unexpected file {details['path']!r}", where=str(folder))
    path = folder / details["path"]
    major = check(path, details["path"])
    start_fresh()
    library, wrap = (keras, from_keras3) if major == 3 else (tf_keras, from_tf_keras)
    try:
        with mended_layers():
            model = library.models.load_model(
                path,
                compile=False,
                safe_mode=True,
                custom_objects=application_layers(library.__name__),
            )
        if not isinstance(model, library.Model):
            raise TypeError("it describes no model")
        return wrap(model)
    except PipelineError:
        raise
    except Exception as error:  # whatever a crafted or a too new file makes Keras raise
        raise SourceError(
            f"{library.__name__} {library.__version__} cannot load it ({reason_of(error)})",
            where=details["path"],
            todo="save it as .keras with that version or an older one, or use source saved_model",
        ) from error


def check(path: Path, where: str) -> int:
    """Return the major version of the Keras that wrote a file: 2 (tf_keras) or 3.

    Reads its structure and config only. Raises SourceError if it is not safe to load.
    """
    if not zipfile.is_zipfile(path):
        return _check_h5_model(path, where)
    try:
        with zipfile.ZipFile(path) as archive:
            return _check_archive(archive, where)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise SourceError(
            f"this .keras file is damaged ({reason_of(error)})", where=where, todo=_DAMAGED
        ) from error


def _check_archive(archive: zipfile.ZipFile, where: str) -> int:
    members = [member for member in archive.infolist() if not _is_assets_folder(member)]
    names = [member.filename for member in members]
    if len(names) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_BYTES:
        raise _refused(f"it unpacks to more than {MAX_BYTES:,} bytes or {MAX_MEMBERS} files", where)
    missing = {"metadata.json", "config.json"} - set(names)
    if missing:
        raise SourceError(
            f"this is not a Keras file: it has no {' and no '.join(sorted(missing))}", where=where
        )
    # First: a layer that is refused has members of its own.
    check_config(_read(archive, "config.json", where), where)
    for name in names:
        usual = name in ("metadata.json", "config.json") or name.endswith((".h5", ".weights.json"))
        usual = (usual and "/" not in name) or _VOCABULARY.fullmatch(name) is not None
        if not usual or "\\" in name or names.count(name) > 1:
            raise _refused(f"its member {name!r} is none that Keras needs for a model", where)
    _check_weights(archive, [name for name in names if name.endswith(".h5")], where)
    return _major(_keras_version(_read(archive, "metadata.json", where)), where)


def _is_assets_folder(member: zipfile.ZipInfo) -> bool:
    return re.fullmatch(r"assets/(\w+/)*", member.filename) is not None and member.file_size == 0


def _read(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_CONFIG_BYTES:
        raise _refused(f"its {name} has more than {MAX_CONFIG_BYTES:,} bytes", where)
    return archive.read(name)


def _check_weights(archive: zipfile.ZipFile, names: list[str], where: str) -> None:
    from pipeline.sources.keras.h5_safety import check_h5

    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            try:
                check_h5(Path(archive.extract(name, folder)))
            except SourceError as error:
                raise SourceError(error.what, where=f"{where} ({name})", todo=error.todo) from error


def _check_h5_model(path: Path, where: str) -> int:
    from pipeline.sources.keras.h5_safety import check_h5, open_h5

    check_h5(path)
    with open_h5(path) as file:
        if "model_config" not in file.attrs:
            raise SourceError(
                "this HDF5 file holds weights only, no model",
                where=where,
                todo="save the whole model with model.save('model.keras')",
            )
        check_config(file.attrs["model_config"], where)
        version = file.attrs.get("keras_version", "2")
    return _major(version.decode() if isinstance(version, bytes) else str(version), where)


def _keras_version(metadata: bytes) -> str:
    try:
        return str(json.loads(metadata)["keras_version"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "unknown"


def _major(version: str, where: str) -> int:
    major = version.split(".", maxsplit=1)[0]
    if major in ("1", "2"):
        return 2
    if major == "3":
        return 3
    raise SourceError(f"it was written by Keras {version}, not 2 or 3", where=where, todo=_DAMAGED)


def _refused(why: str, where: str) -> SourceError:
    return SourceError(f"refused this .keras file: {why}", where=where, todo=_DAMAGED)


SOURCE = Source(
    name="keras_file",
    options=Options,
    pull=pull,
    architecture=architecture,
    narrow=narrow,
    recognizes=is_keras,
    write=write_source,
    load=load,
)
