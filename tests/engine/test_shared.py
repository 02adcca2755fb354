from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.base.errors import PipelineError
from pipeline.engine.shared import SharedStore
from pipeline.engine.store import Result, Store
from pipeline.storage import open_storage

if TYPE_CHECKING:
    from s3_server import S3


def machine(tmp_path: Path, name: str) -> SharedStore:
    """A store at one place, as another machine has it."""
    return SharedStore(str(tmp_path / "shared"), tmp_path / name)


def make(store: Store, key: str, text: str = "text", size: int = 0) -> Result:
    with store.work_folder() as work:
        (work / "deep").mkdir()
        (work / "deep" / "file").write_text(text + "." * size)
        (work / "same").write_text("same everywhere")
        result = store.add(work, 1.5)
    store.record(key, result)
    return result


def read(store: Store, result: Result) -> str:
    return (store.open(result) / "deep" / "file").read_text()


def test_what_one_machine_made_another_has(tmp_path: Path) -> None:
    made = make(machine(tmp_path, "a"), "key")
    other = machine(tmp_path, "b")
    assert other.result("key") == made
    assert read(other, made) == "text"
    assert (other.open(made) / "same").stat().st_mode & 0o222 == 0


def test_a_folder_is_a_store_of_one_machine_too(tmp_path: Path) -> None:
    plain, shared = Store(tmp_path / "shared"), machine(tmp_path, "a")
    assert plain.identity() == shared.identity() == machine(tmp_path, "b").identity()
    made = make(shared, "one")
    assert plain.result("one") == made and read(plain, made) == "text"
    made = make(plain, "two", "other")
    assert shared.result("two") == made and read(shared, made) == "other"
    assert Store(tmp_path / "another").identity() != plain.identity()


def test_a_damaged_copy_is_fetched_again(tmp_path: Path) -> None:
    made = make(machine(tmp_path, "a"), "key")
    read(machine(tmp_path, "b"), made)
    sha, _ = made.tree["deep/file"]
    copy = machine(tmp_path, "b").path(sha)
    copy.chmod(0o644)
    copy.write_text("tixt")
    assert read(machine(tmp_path, "b"), made) == "text"


@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_what_is_damaged_at_the_place_is_made_again(tmp_path: Path, damage: str) -> None:
    made = make(machine(tmp_path, "a"), "key")
    sha, _ = made.tree["deep/file"]
    object_ = Store(tmp_path / "shared").path(sha)
    object_.chmod(0o644)
    object_.write_text("tixt")
    if damage == "gone":
        object_.unlink()
        assert machine(tmp_path, "b").result("key") is None
    with pytest.raises(PipelineError, match="gone or damaged") as raised:
        read(machine(tmp_path, "b"), made)
    assert "build again" in raised.value.todo
    # The next build finds no result, makes it, and all is well.
    again = machine(tmp_path, "c")
    assert again.result("key") is None
    assert again.record_first("key", make(again, "aside")) == made
    assert read(machine(tmp_path, "d"), made) == "text"


def race(folder: Path, name: str, start: float) -> str:
    store = SharedStore(str(folder / "shared"), folder / name)
    with store.work_folder() as work:
        (work / "file").write_text(name)
        result = store.add(work, 0.0)
    time.sleep(max(0.0, start - time.time()))
    return store.read(store.record_first("key", result), "file")


def test_who_comes_second_takes_the_first_ones_result(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(len, ["warm"] * 3)
        start = time.time() + 0.5
        names = pool.starmap(race, [(tmp_path, f"m{number}", start) for number in range(6)])
    assert len(set(names)) == 1
    standing = machine(tmp_path, "late")
    assert standing.read(standing.result("key"), "file") == names[0]  # type: ignore[arg-type]


def test_a_cache_is_bounded_and_loses_nothing(tmp_path: Path) -> None:
    store = machine(tmp_path, "a")
    made = [make(store, f"key {number}", f"{number}", 10_000) for number in range(10)]
    for age, result in enumerate(reversed(made)):
        read(store, result)
        path = store.path(result.tree["deep/file"][0])
        os.utime(path, (time.time() - 1000 * (age + 1), path.stat().st_mtime))
    store.trim(45_000, recent_s=0)
    objects = list((tmp_path / "a" / "objects").glob("*/*"))
    assert sum(path.stat().st_size for path in objects) <= 45_000
    there = [store.path(result.tree["deep/file"][0]).exists() for result in made]
    assert there == [False] * 6 + [True] * 4, "the oldest went"
    assert not any((tmp_path / "a" / "trees" / made[0].digest).glob("*"))
    assert [read(store, result)[0] for result in made] == [str(number) for number in range(10)]
    store.trim(0)
    assert all(store.path(result.tree["deep/file"][0]).exists() for result in made), "just used"


def test_files_from_outside_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_text("weights")
    (tmp_path / "images" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "cat" / "1.png").write_text("pixels")
    here, there = machine(tmp_path, "a"), machine(tmp_path, "b")
    one, many = here.take(tmp_path / "model.keras"), here.take(tmp_path / "images")
    (tmp_path / "model.keras").write_text("changed")
    assert there.open_taken(one).name == "model.keras"
    assert there.open_taken(one).read_text() == "weights"
    assert (there.open_taken(many) / "cat" / "1.png").read_text() == "pixels"


def test_a_bucket_is_a_store_over_http(bucket: str, s3: S3, tmp_path: Path) -> None:
    here, there = SharedStore(bucket, tmp_path / "a"), SharedStore(bucket, tmp_path / "b")
    assert here.result("key") is None and not here.has_results()
    made = make(here, "key")
    assert here.identity() == there.identity()
    assert there.has_results() and there.result("key") == made
    assert read(there, made) == "text"
    other = make(there, "aside", "of the second")
    assert there.record_first("key", other) == made, "the first stands"
    s3.requests.clear()
    assert read(SharedStore(bucket, tmp_path / "b"), made) == "text"
    assert not s3.requests, "from the cache"


def test_a_bucket_sends_nothing_twice_and_hides_no_damage(
    bucket: str, s3: S3, tmp_path: Path
) -> None:
    made = make(SharedStore(bucket, tmp_path / "a"), "key")
    sha, _ = made.tree["deep/file"]
    s3.requests.clear()
    make(SharedStore(bucket, tmp_path / "b"), "other key")
    assert not any("/objects/" in path for path in s3.puts())
    open_storage(bucket).write(f"objects/{sha[:2]}/{sha[2:]}", b"tixt")
    with pytest.raises(PipelineError, match="gone or damaged"):
        read(SharedStore(bucket, tmp_path / "c"), made)
    assert SharedStore(bucket, tmp_path / "c").result("key") is None


def test_a_bucket_that_fails_is_said_and_records_nothing(
    bucket: str, s3: S3, tmp_path: Path
) -> None:
    store = SharedStore(bucket, tmp_path / "a")
    s3.denied.append(hashlib.sha256(b"text").hexdigest()[2:])
    with pytest.raises(PipelineError, match="access denied"):
        make(store, "key")
    assert store.result("key") is None
