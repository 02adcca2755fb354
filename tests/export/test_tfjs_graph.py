from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.export.tfjs_graph.guard import import_converter
from pipeline.export.tfjs_graph.packaging import readable
from pipeline.export.tfjs_graph.writing import write_weights


def test_all_weights_are_in_one_file_in_order(tmp_path: Path) -> None:
    import_converter()
    writer = import_module("tensorflowjs.write_weights")
    values = {name: np.full(3, index, np.float32) for index, name in enumerate("abcd")}
    groups = [[{"name": name, "data": values[name]} for name in names] for names in ("ab", "cd")]
    converted = ConvertedTfjs(tmp_path)
    large = {"b": values["b"], "c": values["c"].astype(np.int64)}
    (group,) = write_weights(writer, groups, large, converted)
    assert group["paths"] == ["weights.bin"]
    assert [path.name for path in tmp_path.iterdir()] == ["weights.bin"]
    kinds = {weight["name"]: weight["dtype"] for weight in group["weights"]}
    assert kinds == {"a": "float32", "b": "float32", "c": "int32", "d": "float32"}
    assert (tmp_path / "weights.bin").read_bytes() == b"".join(
        values[name].astype(dtype).tobytes() for name, dtype in kinds.items()
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([900], [900]),
        ([5, 5, 3], [5, 5, 3]),
        ([5, 4, 9], [5, 4, 9]),
        # TF.js would read these as if the last one were as long as the others.
        ([5, 8], [5, 4, 4]),
        ([5, 5, 9], [5, 5, 4, 5]),
        ([5, 10], [5, 6, 4]),
        ([5, 11], [5, 6, 5]),
    ],
)
def test_tfjs_finds_every_byte_of_a_last_file(before: list[int], after: list[int]) -> None:
    content = bytes(range(256)) * 4
    ends = [sum(before[: index + 1]) for index in range(len(before))]
    files = [content[end - size : end] for end, size in zip(ends, before, strict=True)]
    cut = [*readable(files)]
    assert [len(file) for file in cut] == after
    assert b"".join(cut) == b"".join(files)
