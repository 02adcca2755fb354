"""Large tensors of an ONNX graph in files beside it, as ONNX's external data, each in its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.artifacts.large import BLOCK_BYTES, LargeTensors, blocks, check_fits, is_large
from pipeline.tensors.arrays import Array, np

#: What a model in memory says of itself.
FOLDER = "pipeline.folder"


def is_external(tensor: Any) -> bool:
    """Whether a tensor's bytes lie in a file."""
    return bool(tensor.data_location)


def raw_bytes(tensor: Any) -> int:
    """The size of a tensor that is raw or in a file."""
    return int(entries_of(tensor)["length"]) if is_external(tensor) else len(tensor.raw_data)


def large_tensor(name: str, array: Array, large: LargeTensors) -> Any:
    """A tensor, in a file where it is large."""
    from onnx import TensorProto, helper, numpy_helper

    if not is_large(array.nbytes):
        return numpy_helper.from_array(np.ascontiguousarray(array), name)
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=array.shape)
    point(tensor, large.keep(array), array.nbytes)
    return tensor


def point(tensor: Any, key: str, length: int) -> None:
    """Let a tensor have its bytes in the file with this key."""
    place(tensor, f"{LargeTensors.NAME}/{key}.bin", 0, length)


def place(tensor: Any, location: str, offset: int, length: int) -> None:
    """Let a tensor have its bytes in a file beside the model."""
    from onnx import TensorProto

    tensor.ClearField("raw_data")
    tensor.ClearField("external_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))


def array_of(tensor: Any, large: LargeTensors | None = None) -> Array:
    """A tensor's value; one in a file is mapped to it.

    Args:
        large: where files are, if there may be some.
    """
    from onnx import helper, numpy_helper

    if large is None or not is_external(tensor):
        value: Array = numpy_helper.to_array(tensor)
        return value
    return large.read(
        key_of(tensor), helper.tensor_dtype_to_np_dtype(tensor.data_type), tensor.dims
    )


def locate(model: Any, folder: Path) -> None:
    """Let a model in memory know where its tensors' files are; ``canonicalize`` forgets it."""
    others = [item for item in model.metadata_props if item.key != FOLDER]
    del model.metadata_props[:]
    model.metadata_props.extend(others)
    model.metadata_props.add(key=FOLDER, value=str(folder))


def folder_of(model: Any) -> Path | None:
    """Where the files of a model's tensors are, if it was said."""
    return next((Path(item.value) for item in model.metadata_props if item.key == FOLDER), None)


def load_all(model: Any) -> None:
    """Put the bytes of all tensors in files back, in place.

    Raises:
        PipelineError: they are more than protobuf holds.
    """
    folder, tensors = folder_of(model), [t for t in model.graph.initializer if is_external(t)]
    check_fits(sum(map(raw_bytes, tensors)))
    for tensor in tensors:
        if folder:
            take_in(tensor, folder)


def key_of(tensor: Any) -> str:
    """The key of a tensor in a file of ``LargeTensors``."""
    return Path(entries_of(tensor)["location"]).stem


def keys_of(tensors: Iterable[Any]) -> Iterator[str]:
    """The keys of those that are in files."""
    return (key_of(tensor) for tensor in tensors if is_external(tensor))


def spill(tensors: Iterable[Any], large: LargeTensors) -> None:
    """Move the bytes of large tensors to files, in place."""
    for tensor in tensors:
        if not is_external(tensor) and is_large(len(tensor.raw_data)):
            content = np.frombuffer(tensor.raw_data, np.uint8)
            point(tensor, large.keep(content), content.nbytes)


def take_in(tensor: Any, folder: Path) -> None:
    """Put the bytes in a file below ``folder`` back into a tensor.

    onnx's own reader refuses hard-linked files.
    """
    tensor.raw_data = b"".join(pieces(tensor, folder))
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")


def pieces(tensor: Any, folder: Path) -> Iterator[Any]:
    """The bytes of a tensor that is raw or in a file below ``folder``, a few MiB at a time."""
    if not is_external(tensor):
        yield from blocks(np.frombuffer(tensor.raw_data, np.uint8))
        return
    entries = entries_of(tensor)
    left = int(entries["length"])
    with (folder / entries["location"]).open("rb") as file:
        file.seek(int(entries.get("offset", 0)))
        while left:
            block = file.read(min(left, BLOCK_BYTES))
            left -= len(block)
            yield block


def entries_of(tensor: Any) -> dict[str, str]:
    """Where the bytes of a tensor in a file lie: ``location``, ``offset``, ``length``."""
    return {item.key: item.value for item in tensor.external_data}
