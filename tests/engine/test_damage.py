"""Files of a store that are flipped, cut, lengthened or lost: found, made again, never handed on.

A hundred damages in `make test`, a thousand of each kind of store nightly; seeded.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Collection
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from cluster import PLAIN_STEPS
from nightly import nightly

from pipeline.base.errors import PipelineError
from pipeline.engine import call
from pipeline.engine.graph import Graph, Node
from pipeline.engine.schedule import Run
from pipeline.engine.shared import SharedStore
from pipeline.engine.step import Lane
from pipeline.engine.store import Store
from pipeline.engine.watch import Silent

sys.path.insert(0, str(PLAIN_STEPS))

import plain_steps as steps

#: Node -> what it writes: the texts before it, then its own name.
TEXTS = {
    "a": "a",
    "b": "b",
    "ab": "abab",
    "c": "ababc",
    "d": "ababcd",
    "e": "abab" + "ababcd" + "e",
}
INPUTS = {"ab": ("a", "b"), "c": ("ab",), "d": ("c",), "e": ("ab", "d")}


class Here:
    """Lanes that are this process."""

    elsewhere = False

    def submit(
        self, lane: Lane, function: Callable[..., Any], *args: Any, **more: Any
    ) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def exit_code(self, lane: Lane) -> int | None:
        return None

    def warm(self, lane: Lane, tools: Collection[str] = ()) -> None:
        return

    def quiet(self) -> None:
        return

    def go_on(self) -> None:
        return


def build(store: Store) -> dict[str, str]:
    """The texts of all steps, as a command of its own makes and reads them.

    Raises:
        PipelineError: something was damaged; it was dropped.
    """
    call._store.cache_clear()  # Each command looks at each file anew.
    graph = Graph()
    for name in TEXTS:
        needs = {str(number): need for number, need in enumerate(INPUTS.get(name, ()))}
        graph.add(Node(name, steps.write, steps.Write(text=name), needs))
    results = Run(graph, store, Here(), {}, Silent()).all()
    return {name: store.read(result, "text") for name, result in results.items()}


def damage(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    file.chmod(0o644)
    how = chance.choice(["flip", "flip", "cut", "lengthen", "lose", "empty"])
    if how == "flip" and content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif how == "cut":
        del content[chance.randrange(len(content) + 1) :]
    elif how == "lengthen":
        content += chance.randbytes(3)
    if how == "lose":
        file.unlink()
    else:
        file.write_bytes(b"" if how == "empty" else content)


def files_of(folder: Path) -> list[Path]:
    parts = ("objects", "steps", "trees")
    paths = (path for part in parts for path in sorted(folder.glob(f"{part}/**/*")))
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("count", [50, nightly(1000)])
def test_no_damage_is_handed_on(shared: bool, count: int, tmp_path: Path) -> None:
    chance = random.Random(count)

    def open_store() -> Store:
        if shared:
            return SharedStore(str(tmp_path / "shared"), tmp_path / "store")
        return Store(tmp_path / "store")

    assert build(open_store()) == TEXTS
    found = 0
    for _ in range(count):
        folders = ["store", "shared"] if shared else ["store"]
        damage(chance.choice(files_of(tmp_path / chance.choice(folders))), chance)
        for _again in range(3):
            try:
                texts = build(open_store())
            except PipelineError as error:
                found += 1
                assert "dropped" in str(error)
                continue
            break
        assert texts == TEXTS
    assert found, "some damage shows only where the file is read"
