"""Constants of an ONNX model, in it or in files beside it, whose sizes and places are checked."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.tensors.arrays import Array, np

#: Of one tensor: TensorFlow keeps constants in a protobuf.
MOST_BYTES = 2**31 - 1


def array_of(tensor: Any, folder: Path | None = None) -> Array:
    """A ``TensorProto`` as an array of a dtype that TensorFlow has.

    Args:
        folder: where files beside the model lie; ``None`` where there may be none.

    Raises:
        SourceError: it has no such file, or not as many bytes as its shape needs.
        ValueError: its dtype or shape is none.
    """
    from onnx import TensorProto, helper, numpy_helper

    if tensor.data_type in (TensorProto.UNDEFINED, TensorProto.STRING):
        raise ValueError(f"the constant {tensor.name!r} holds no numbers")
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    count = prod(tensor.dims)
    if min(tensor.dims, default=0) < 0 or count * dtype.itemsize > MOST_BYTES:
        raise SourceError(
            f"the constant {tensor.name!r} is of shape {list(tensor.dims)}, too large to be read",
            where="onnx",
            todo="no constant may have 2 GiB or more",
        )
    if tensor.data_location == TensorProto.EXTERNAL:
        whole = type(tensor)(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name)
        whole.raw_data = _beside(tensor, folder, count, dtype)
        tensor = whole
    array: Array = narrowed(numpy_helper.to_array(tensor))
    return array.astype(_wider(dtype)) if _wider(dtype) else array


def narrowed(array: Array) -> Array:
    """Integers of 64 bits in 32, in which TF.js computes; those that are farther out are the last.

    What ONNX counts in 64 bits are shapes, indices and tokens; its "to the end" stays that.
    """
    if array.dtype != np.int64:
        return array
    limits = np.iinfo(np.int32)
    return array.clip(limits.min, limits.max).astype(np.int32)


def _wider(dtype: Any) -> str | None:
    """The dtype in which TensorFlow has numbers of four bits or fewer."""
    return {"int4": "int8", "uint4": "uint8", "int2": "int8", "uint2": "uint8"}.get(dtype.name)


def _beside(tensor: Any, folder: Path | None, count: int, dtype: Any) -> bytes:
    path, offset, length = locate(tensor, folder, count, dtype)
    with path.open("rb") as opened:
        opened.seek(offset)
        return opened.read(length)


def locate(tensor: Any, folder: Path | None, count: int, dtype: Any) -> tuple[Path, int, int]:
    """Where a constant in a file lies: the file, the offset and the length in bytes.

    Raises:
        SourceError: there is no such file, or it has not as many bytes.
    """
    said = {entry.key: entry.value for entry in tensor.external_data}
    path = place_of(said, tensor.name, folder)
    bits = 2 if dtype.name.endswith("int2") else 4 if dtype.name.endswith("int4") else None
    length = -(-count * bits // 8) if bits else count * dtype.itemsize
    try:
        offset, stated = int(said.get("offset") or 0), int(said.get("length") or length)
    except ValueError:
        offset, stated = -1, -1
    size = path.stat().st_size
    if stated != length or offset < 0 or offset + length > size:
        raise SourceError(
            f"{said['location']} lacks the bytes of the constant {tensor.name!r}: it has {size:,}",
            where="onnx",
            todo="get both files again, of one version",
        )
    return path, offset, length


def place_of(said: Mapping[str, str], name: str, folder: Path | None) -> Path:
    """The file in which a constant is said to be; it lies in the model's folder.

    Raises:
        SourceError: it would lie elsewhere, is a link, or is not there.
    """
    location = said.get("location", "")
    parts = PurePosixPath(location).parts
    plain = parts and not location.startswith("/") and ".." not in parts and "\\" not in location
    if folder is None or not plain or "\0" in location:
        raise SourceError(
            f"refused: the constant {name!r} lies in {location!r}, outside the model's folder",
            where="onnx",
            todo="save the model again with its weights beside it",
        )
    path = folder.joinpath(*parts)
    steps = [folder.joinpath(*parts[: i + 1]) for i in range(len(parts))]
    if any(step.is_symlink() for step in steps) or not path.is_file():
        raise SourceError(
            f"the constant {name!r} is in {location!r}, which is no file beside the model",
            where="onnx",
            todo="put the file that came with the model there; a link is not followed",
        )
    return path
