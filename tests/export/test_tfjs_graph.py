from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.export.tfjs_graph import _join_shards
from pipeline.export.tfjs_graph.packaging import readable


@pytest.mark.parametrize("groups", [[], [["a"]], [["a", "b"], ["c"]]])
def test_groups_of_weights_become_one_file(groups: list[list[str]], tmp_path: Path) -> None:
    manifest: list[dict[str, Any]] = [{"paths": names, "weights": names} for names in groups]
    names = [name for group in groups for name in group]
    for name in names:
        (tmp_path / name).write_text(name * 3)
    _join_shards(ConvertedTfjs(tmp_path), manifest)
    assert manifest == [{"paths": ["weights.bin"], "weights": names}]
    assert [path.name for path in tmp_path.iterdir()] == ["weights.bin"]
    assert (tmp_path / "weights.bin").read_text() == "".join(name * 3 for name in names)


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
