from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from published import artifact, at, check, manifest

from pipeline.base.errors import PipelineError
from pipeline.cdn.tree import Model
from pipeline.publish.release.channel import MovedError
from pipeline.publish.release.index import list_releases
from pipeline.publish.release.release import publish
from pipeline.storage.local import LocalStorage


def releases(model: Path) -> list[dict[str, Any]]:
    return list(map(dict, list_releases(Model(LocalStorage(model.parent), model.name))))


def test_a_release_can_be_read_from_its_channel(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one", b"two")
    release = publish(manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest")
    assert release.new and release.copied == 2
    assert check(tmp_path / "cdn") == release.id
    index = json.loads((tmp_path / "cdn" / "index.json").read_text())
    assert index["models"]["m"]["channels"] == {"latest": release.id}


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    arguments = (manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest")
    first = publish(*arguments)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "cdn").rglob("*") if p.is_file()}
    second = publish(*arguments)
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "cdn").rglob("*") if p.is_file()}
    assert (second.id, second.new, second.copied) == (first.id, False, 0)
    assert before == after


def test_a_new_release_keeps_the_old_one_and_shared_files(tmp_path: Path) -> None:
    first = artifact(tmp_path / "a", b"shared", b"old head")
    second = artifact(tmp_path / "b", b"shared", b"new head")
    cdn = tmp_path / "cdn"
    publish(manifest(first), at(tmp_path / "a"), cdn, "latest")
    release = publish(manifest(second), at(tmp_path / "b"), cdn, "latest")
    assert release.copied == 1
    assert len(list((cdn / "m" / "files").iterdir())) == 3
    assert len(releases(cdn / "m")) == 2
    assert check(cdn) == release.id


def test_a_file_cut_short_by_a_crash_of_the_disk_is_replaced(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"content")
    arguments = (manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest")
    publish(*arguments)
    (tmp_path / "cdn" / "m" / entry["files"][0]["path"]).write_bytes(b"con")
    publish(*arguments)
    check(tmp_path / "cdn")


def test_an_artifact_that_changed_is_refused(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"content")
    (tmp_path / "a" / entry["files"][0]["path"]).write_bytes(b"CONTENT")
    with pytest.raises(PipelineError, match="changed while it was copied"):
        publish(manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest")
    assert not list((tmp_path / "cdn").rglob("*.json"))
    assert not list((tmp_path / "cdn").rglob("*.bin"))


def test_a_stray_file_is_no_channel(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    (tmp_path / "cdn" / "m").mkdir(parents=True)
    (tmp_path / "cdn" / "m" / "notes.json").write_text("[]")
    release = publish(manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest")
    index = json.loads((tmp_path / "cdn" / "index.json").read_text())
    assert index["models"]["m"]["channels"] == {"latest": release.id}


def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    release = publish(manifest(entry), at(tmp_path / "a"), f"file://{tmp_path}/cdn", "latest")
    assert check(tmp_path / "cdn") == release.id


def test_a_full_disk_publishes_nothing(tmp_path: Path, small_disk: Path) -> None:
    small = artifact(tmp_path / "a", b"first")
    publish(manifest(small), at(tmp_path / "a"), small_disk, "latest")
    before = check(small_disk)
    large = artifact(tmp_path / "b", os.urandom(4 * 2**20))
    with pytest.raises(PipelineError, match="No space left on device") as caught:
        publish(manifest(large), at(tmp_path / "b"), small_disk, "latest")
    assert "nothing was half published" in caught.value.todo
    assert check(small_disk) == before


@pytest.fixture
def small_disk(tmp_path: Path):
    """A real file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


PUBLISHER = """
import json, sys
from pathlib import Path
from pipeline.publish.release.release import publish
a, cdn = Path(sys.argv[1]), Path(sys.argv[2])
entry = json.loads((a / "entry.json").read_text())
number = 0
print("ready", flush=True)
while True:
    number += 1
    manifest = {"schema": 1, "name": "m", "task": "tensors", "artifacts": [entry], "n": number}
    publish(manifest, lambda name: a, cdn, "latest")
"""


def test_a_publisher_killed_at_any_moment_leaves_a_whole_release(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"x" * 300_000, b"y" * 200_000)
    (tmp_path / "a" / "entry.json").write_text(json.dumps(entry))
    cdn = tmp_path / "cdn"
    publish(manifest(entry), at(tmp_path / "a"), cdn, "latest")
    seen = set()
    for attempt in range(12):
        for file in (cdn / "m" / "files").iterdir():
            file.unlink()  # so that every run copies again
        publish(manifest(entry, attempt=attempt), at(tmp_path / "a"), cdn, "latest")
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, tmp_path / "a", cdn], stdout=subprocess.PIPE
        )
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(0.003 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        seen.add(check(cdn))
    assert len(seen) > 1
    publish(manifest(entry, last=True), at(tmp_path / "a"), cdn, "latest")
    leftovers = list(cdn.rglob(".new-*"))
    assert leftovers == []


def _race(folder: str, name: str, rounds: int) -> None:
    base = Path(folder)
    entry = artifact(base / name, name.encode(), b"shared")
    for number in range(rounds):
        described = manifest(entry, by=name, n=number)
        with suppress(MovedError):  # told that the other one was first; its release is there
            publish(described, at(base / name), base / "cdn", "latest")


def test_two_publishers_at_once_lose_no_release(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    racers = [context.Process(target=_race, args=(str(tmp_path), n, 20)) for n in ("a", "b")]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0
    check(tmp_path / "cdn")
    assert len(releases(tmp_path / "cdn" / "m")) == 40


def write_report(full: Any, folder: Path) -> None:
    (folder / "report.html").write_text(f"report of {full['release']}")


def test_a_report_is_published_with_its_release(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    arguments = (manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest", write_report)
    release = publish(*arguments)
    assert release.manifest["report"] == f"releases/{release.id}/report.html"
    path = tmp_path / "cdn" / "m" / release.manifest["report"]
    assert path.read_text() == f"report of {release.id}"
    (listed,) = releases(tmp_path / "cdn" / "m")
    assert listed["report"] == release.manifest["report"]

    before = path.stat().st_mtime_ns
    assert publish(*arguments).new is False
    assert publish(*arguments[:4]).id == release.id, "the report does not decide the name"
    assert publish(*arguments[:3], "stable", write_report).new
    assert path.stat().st_mtime_ns == before


def test_a_report_that_cannot_be_written_publishes_nothing(tmp_path: Path) -> None:
    def broken(full: Any, folder: Path) -> None:
        (folder / "report.html").write_text("half of")
        raise PipelineError("no report")

    entry = artifact(tmp_path / "a", b"one")
    with pytest.raises(PipelineError, match="no report"):
        publish(manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest", broken)
    assert not (tmp_path / "cdn" / "m" / "latest.json").exists()
    assert not releases(tmp_path / "cdn" / "m")
    publish(manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest", write_report)
    assert not list((tmp_path / "cdn").rglob(".new-*"))


def test_a_release_of_before_reports_stays_valid(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    arguments = (manifest(entry), at(tmp_path / "a"), tmp_path / "cdn", "latest")
    first = publish(*arguments)
    again = publish(*arguments, write_report)
    assert (again.id, again.new) == (first.id, False)
    assert "report" not in again.manifest


NOTHING_TO_DO = """
import json, sys
from pathlib import Path
import pipeline.build.judge, pipeline.cli.bar, pipeline.cli.show
import pipeline.publish.release.root, pipeline.publish.trust.signing
from pipeline.publish.release.release import publish
folder, cdn = Path(sys.argv[1]), sys.argv[2]
manifest = json.loads((folder / "manifest.json").read_text())
assert publish(manifest, lambda name: folder, cdn, "latest").new is False
heavy = {"asyncio", "brotli", "concurrent.futures", "cyclonedx", "filelock", "fsspec"}
heavy |= {"importlib.metadata", "pydantic", "rich", "tenacity"}
print(sorted(heavy & set(sys.modules)))
"""


def test_seeing_that_there_is_nothing_to_do_imports_nothing_heavy(tmp_path: Path) -> None:
    described = manifest(artifact(tmp_path / "a", b"one"))
    (tmp_path / "a" / "manifest.json").write_text(json.dumps(described))
    publish(described, at(tmp_path / "a"), tmp_path / "cdn", "latest")
    words = [sys.executable, "-c", NOTHING_TO_DO, str(tmp_path / "a"), str(tmp_path / "cdn")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.stdout == "[]\n", ended.stderr
