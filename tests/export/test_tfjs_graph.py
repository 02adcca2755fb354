from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.export.tfjs_graph import _join_shards


@pytest.mark.parametrize("groups", [[], [["a"]], [["a", "b"], ["c"]]])
def test_groups_of_weights_become_one_file(groups: list[list[str]], tmp_path: Path) -> None:
    manifest: list[dict[str, Any]] = [{"paths": names, "weights": names} for names in groups]
    names = [name for group in groups for name in group]
    for name in names:
        (tmp_path / name).write_text(name * 3)
    _join_shards(tmp_path, manifest)
    assert manifest == [{"paths": ["weights.bin"], "weights": names}]
    assert [path.name for path in tmp_path.iterdir()] == ["weights.bin"]
    assert (tmp_path / "weights.bin").read_text() == "".join(name * 3 for name in names)
