"""A TensorFlow SavedModel folder, with any signature."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.base.reasons import reason_of
from pipeline.engine.step import step
from pipeline.graphs.tensorflow.single import NARROW
from pipeline.sources.contract import LoadedModel, Source
from pipeline.tensors.signature import Signature

MAX_BYTES = 4 * 2**30
MAX_FILES = 10_000

_SIGNATURE = "serving_default"
_TAGS = ("serve",)

"""A SavedModel keeps computations, no Keras layers."""


class Options(StrictOptions):
    """A TensorFlow SavedModel."""

    shorthand: ClassVar[str | None] = "path"

    path: InputPath
    """The folder that holds saved_model.pb."""
    signature: str = _SIGNATURE
    """Which of its signatures to convert."""
    tags: tuple[str, ...] = _TAGS
    """Which of its graphs to load, by its tags."""


def narrow(options: Options) -> tuple[str, ...]:
    """The dtypes of fewer bits than float32 that nodes have, found without TensorFlow.

    A node says ``T: bfloat16`` as an entry of a map, whose value (field 2, two bytes long) is an
    AttrValue with a type (field 6).
    """
    try:
        content = (options.path / "saved_model.pb").read_bytes()
    except OSError:
        return ()
    entry = b"\n\x01T\x12\x020"
    return tuple(name for name, number in NARROW.items() if entry + bytes([number]) in content)


@step(version=1)
def pull(path: Path, options: Options, work: Path) -> None:
    """Check the folder's files and make it a source folder."""
    write_source(path, work, signature=options.signature, tags=list(options.tags))


def write_source(folder: Path, work: Path, *, signature: str, tags: list[str]) -> None:
    """Write the source folder of a SavedModel that may be unsafe.

    Raises SourceError where it is none, or has links or too many bytes.
    """
    files = _checked_files(folder)
    for file in files:
        target = work / "saved_model" / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    details = {"path": "saved_model", "signature": signature, "tags": tags}
    SourceFolder(work).describe("saved_model", **details)


def _checked_files(folder: Path) -> list[Path]:
    if not (folder / "saved_model.pb").is_file():
        raise SourceError(
            "this is not a SavedModel: it has no saved_model.pb",
            where=str(folder),
            todo="name the folder that tf.saved_model.save wrote; a text SavedModel is not read",
        )
    files, total = [], 0
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise SourceError(
                f"refused {path.relative_to(folder).as_posix()!r}: it is a link, not a plain file",
                where=str(folder),
                todo="copy the file itself there",
            )
        if path.is_file():
            files.append(path)
            total += path.stat().st_size
        if total > MAX_BYTES or len(files) > MAX_FILES:
            raise SourceError(
                f"refused: more than {MAX_BYTES:,} bytes or {MAX_FILES:,} files", where=str(folder)
            )
    return files


def load(folder: Path, details: Mapping[str, Any]) -> LoadedModel:
    """Load what ``write_source`` wrote, after a look at every operation in it."""
    import tensorflow as tf

    from pipeline.sources.tensorflow.keys import plain_keys
    from pipeline.sources.tensorflow.part import part
    from pipeline.sources.tensorflow.safety import meta_graph, read_checked

    model, key = folder / "saved_model", details.get("signature", _SIGNATURE)
    tags = details.get("tags", _TAGS)
    _checked_files(model)
    saved = read_checked(model / "saved_model.pb", key, tags)
    keys = plain_keys(meta_graph(saved, set(tags), "saved_model.pb"), key)
    try:
        with part(model, saved, key, changed=bool(keys)) as needed:
            loaded = tf.saved_model.load(str(needed), tags=list(tags))
    except Exception as error:  # whatever a crafted or damaged file makes TensorFlow raise
        raise SourceError(
            f"TensorFlow {tf.__version__} cannot load this SavedModel ({reason_of(error)})",
            where="saved_model.pb",
            todo="check that the folder is whole, variables/ included",
        ) from error
    return _wrap(loaded, loaded.signatures[key], keys)


def _wrap(loaded: Any, signature_function: Any, old: Mapping[str, str]) -> LoadedModel:
    """The signature's function with public names.

    Args:
        old: the key of an input or output -> its key in the file, where that is another.
    """
    from pipeline.sources.keras.model import public_names, specs

    args, kwargs = signature_function.structured_input_signature
    if args:
        raise SourceError("the signature takes positional arguments", where="saved_model.pb")
    results = signature_function.structured_outputs
    # The file keeps both as maps without order; sorted, they are the same everywhere.
    keywords, keys = (
        sorted(side, key=lambda key: _natural(old.get(key, key))) for side in (kwargs, results)
    )
    before = [[old.get(key, key) for key in side] for side in (keywords, keys)]
    inputs = public_names(before[0])
    outputs = public_names(before[1], taken=inputs)
    signature = Signature(
        specs(inputs, [kwargs[keyword] for keyword in keywords], before[0]),
        specs(outputs, [results[key] for key in keys], before[1]),
    )

    # ``loaded`` owns the variables, which the function itself refers to weakly only.
    signature_function._owner = loaded
    return LoadedModel(
        signature_function,
        signature,
        dict(zip(inputs, keywords, strict=True)),
        dict(zip(outputs, keys, strict=True)),
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort output_2 before output_10."""
    return [
        (int(part or 0), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)
    ]


SOURCE = Source(
    name="saved_model",
    options=Options,
    pull=pull,
    gives=lambda options: ("tensorflow",),
    narrow=narrow,
    load=load,
)
