from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from pipeline.base.errors import PipelineError
from pipeline.base.files import write_aside
from pipeline.build import last, receipt
from pipeline.build.result import Built
from pipeline.engine.store import Store


def made(store: Store, files: dict[str, bytes]):
    with store.work_folder() as work:
        for name, content in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
        return store.add(work, 1.5)


def test_a_result_comes_back_byte_for_byte(tmp_path: Path) -> None:
    store = Store(tmp_path)
    files = {"a.txt": b"one", "sub/b.bin": bytes(range(256))}
    store.record("key", made(store, files))

    again = Store(tmp_path)
    result = again.result("key")

    assert result is not None and result.seconds == 1.5
    folder = again.open(result)
    assert {p: (folder / p).read_bytes() for p in files} == files


def test_of_two_that_make_one_step_at_a_time_the_first_is_both(tmp_path: Path) -> None:
    ours, theirs = Store(tmp_path), Store(tmp_path)
    first, second = made(ours, {"ms": b"1.5"}), made(theirs, {"ms": b"1.6"})
    assert ours.record_first("key", first) == first
    assert theirs.record_first("key", second) == first
    assert Store(tmp_path).result("key") == first
    # One whose files are gone is no result.
    ours.path(first.tree["ms"][0]).unlink()
    assert theirs.record_first("key", second) == second


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = made(store, {"a": b"same"}), made(store, {"b": b"same"})
    assert first.digest != second.digest
    assert len(list((tmp_path / "objects").glob("*/*"))) == 1


def test_unknown_or_torn_records_are_misses(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.result("nothing") is None
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "torn.json").write_text('{"tree": {"a"')
    assert store.result("torn") is None


def test_a_missing_object_makes_the_step_run_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    result = made(store, {"a": b"content"})
    store.record("key", result)
    store.path(result.tree["a"][0]).unlink()
    assert store.result("key") is None


def test_damage_is_found_by_hashing_and_mended_by_the_next_build(tmp_path: Path) -> None:
    store = Store(tmp_path)
    result = made(store, {"a": b"content"})
    store.record("key", result)
    store.open(result)
    damaged = store.path(result.tree["a"][0])
    damaged.chmod(0o644)
    damaged.write_bytes(b"CONTENT")

    fresh = Store(tmp_path)
    with pytest.raises(PipelineError, match="was damaged and has been dropped") as caught:
        fresh.open(fresh.result("key"))
    assert "build again" in caught.value.todo
    assert fresh.result("key") is None
    made(fresh, {"a": b"content"})
    assert (fresh.open(fresh.result("key")) / "a").read_bytes() == b"content"


def test_write_aside_leaves_the_old_file_when_it_fails(tmp_path: Path, monkeypatch) -> None:
    target = tmp_path / "pointer.json"
    write_aside(target, b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_aside(target, b"after")
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_work_folders_of_killed_processes_are_removed_by_the_next_to_come(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "work" / "left").mkdir(parents=True)
    with store.in_use(), store.work_folder() as mine:
        assert [path.name for path in (tmp_path / "work").iterdir()] == [mine.name]
        with Store(tmp_path).in_use():
            assert mine.exists(), "another build's folder is in use"


def test_clean_removes_what_was_not_used_and_keeps_the_rest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = made(store, {"a": b"old"}), made(store, {"a": b"new"})
    store.record("old", old)
    store.record("new", new)
    past = time.time() - 40 * 86400
    os.utime(tmp_path / "steps" / "old.json", (past, past))

    assert store.clean(30, dry_run=True) == (1, 3)
    assert store.result("old") is not None
    os.utime(tmp_path / "steps" / "old.json", (past, past))
    assert store.clean(30, dry_run=False) == (1, 3)
    assert store.result("old") is None and store.result("new") is not None
    assert store.clean(0, dry_run=False) == (1, 3)
    assert store.result("new") is None


def test_clean_waits_for_builds_to_end(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.in_use(), pytest.raises(PipelineError, match="a build is using the store"):
        store.clean(0, dry_run=True)
    assert store.clean(0, dry_run=True) == (0, 0)


def test_what_a_power_cut_leaves_is_a_miss(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for left in (b"", b"\x00" * 64, b"\xff\xfe\x80", b"null", b"[]", b'{"tree": [], "seconds": 1}'):
        for folder in ("steps", "receipts", "last"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "x.json").write_bytes(left)
        assert store.result("x") is None
        assert receipt.read(store, "x") is None
        assert last.recall(store, "x") is None
        assert store.clean(keep_days=1, dry_run=True) == (0, 0)


def test_a_receipt_whose_manifest_is_damaged_is_a_miss(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "manifest.json").write_text("{}")
    made = store.add(tmp_path / "made", 0.0)
    store.record("step", made)
    known = {"files": {}, "steps": {"manifest": "step"}, "artifacts": {}, "evidence": {}}
    known |= {"left_out": {}, "to": "cdn", "channel": "latest"}
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "x.json").write_text(json.dumps(known))
    assert receipt.read(Store(tmp_path), "x") is not None
    ((sha256, _),) = made.tree.values()
    store.path(sha256).chmod(0o644)
    store.path(sha256).write_text("[]")
    assert receipt.read(Store(tmp_path), "x") is None


def test_a_torn_note_of_the_last_build_is_written_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "last").mkdir()
    (tmp_path / "last" / "m.json").write_bytes(b"\xff\xfe\x80")
    last.remember(Built({"name": "m"}, {}, {}, store, "", "", {}, "pipeline build m.yaml"))
    found = last.recall(store, "m")
    assert found is not None and found.command == "pipeline build m.yaml"
