"""Publishers that run at once, or are killed: readers never see a broken channel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nightly import nightly
from published import artifact, at, check, manifest
from s3_server import S3

from pipeline.cdn.index import read_index
from pipeline.publish.release.release import publish
from pipeline.publish.upkeep.verify.run import verify
from pipeline.storage import open_storage

#: Two publishers begin together in each; it takes more rounds where nobody lost yet.
MOST_ROUNDS = 100
ROUNDS = [2, nightly(MOST_ROUNDS)]

#: Publishes ``rounds`` releases, and prints what became of each. A line on its input starts each
#: one, so that both of a pair begin together.
PUBLISHER = """
import json, sys
from pathlib import Path
from pipeline.publish.release.channel import MovedError
from pipeline.publish.release.release import publish
folder, to, name, rounds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
entry = json.loads((folder / "entry.json").read_text())
print("ready", flush=True)
for number in range(rounds):
    sys.stdin.readline()
    described = {"schema": 1, "name": "m", "task": "tensors", "artifacts": [entry]}
    described |= {"by": name, "n": number}
    try:
        publish(described, lambda artifact: folder, to, "latest")
        print("won", flush=True)
    except MovedError as error:
        print("told" if "another publisher moved latest to" in error.what else error, flush=True)
"""


def prepared(folder: Path, *contents: bytes) -> Path:
    entry = artifact(folder, *contents)
    (folder / "entry.json").write_text(json.dumps(entry))
    return folder


@contextmanager
def publisher(folder: Path, to: str, name: str, rounds: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PUBLISHER, str(folder), to, name, str(rounds)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout and process.stdin
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_two_publishers_race(kind: str, rounds: int, tmp_path: Path, bucket: str) -> None:
    to = bucket if kind == "s3" else str(tmp_path / "cdn")
    folders = [prepared(tmp_path / name, name.encode(), b"shared") for name in ("a", "b")]
    outcomes: list[str] = []
    with (
        publisher(folders[0], to, "a", MOST_ROUNDS) as first,
        publisher(folders[1], to, "b", MOST_ROUNDS) as second,
        reader(to) as seen,
    ):
        while more_rounds(outcomes, rounds):
            for racer in (first, second):
                assert racer.stdin
                racer.stdin.write("\n")
                racer.stdin.flush()
            for racer in (first, second):
                assert racer.stdout
                outcomes.append(racer.stdout.readline().strip())
    assert set(outcomes) <= {"won", "told"}
    # Of two that begin together at least one wins; whether the other one began early enough to
    # lose is up to the machine, but not a hundred times.
    for pair in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert "won" in pair
    assert "told" in outcomes
    assert len(seen) > 1, "the reader saw the channel move"
    found = verify(to)
    assert found.faults == [] and len(found.releases) == len(outcomes), "losers' releases are whole"
    listed = read_index(open_storage(to))["m"]
    assert len(listed["releases"]) == len(outcomes)
    assert listed["channels"]["latest"] == check(to)


def more_rounds(outcomes: list[str], rounds: int) -> bool:
    """Whether to race again: ``rounds`` times, and until one was told that it lost."""
    done = len(outcomes) // 2
    return done < rounds or (done < MOST_ROUNDS and "told" not in outcomes)


@contextmanager
def reader(to: str) -> Iterator[set[str]]:
    """Follows the channel all the while, and hashes what it points to."""
    seen: set[str] = set()
    failed: list[BaseException] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                if open_storage(to).read("m/latest.json"):
                    seen.add(check(to))
            except BaseException as error:
                failed.append(error)
                return
            over.wait(0.2 if to.startswith("s3") else 0.01)  # moto is slow

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
    assert not failed, failed


def test_publishers_of_two_models_both_get_into_the_index(bucket: str, tmp_path: Path) -> None:
    def publish_all(name: str) -> None:
        entry = artifact(tmp_path / name, name.encode())
        for number in range(3):
            described = manifest(entry, n=number) | {"name": name}
            publish(described, at(tmp_path / name), bucket, "latest")

    threads = [threading.Thread(target=publish_all, args=(name,)) for name in ("m", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    models = read_index(open_storage(bucket))
    assert {name: len(one["releases"]) for name, one in models.items()} == {"m": 3, "other": 3}
    assert verify(bucket).faults == []


#: In the order in which a publisher writes: each is a moment to be killed at.
MOMENTS = [".bin", "manifest.json", "latest.json", "index.json"]

#: With nothing written, and with all but the index, which the next publisher mends; nightly each.
#: What was written before one moment, and then no more, is what was written at the one before it.
KILLS = [
    (".bin", False),
    ("latest.json", True),
    *(nightly(moment, True) for moment in MOMENTS if moment != "latest.json"),
    *(nightly(moment, False) for moment in MOMENTS[1:]),
]


@pytest.mark.parametrize(("moment", "written"), KILLS)
def test_a_publisher_killed_at_any_write_leaves_a_whole_release(
    s3: S3, bucket: str, tmp_path: Path, moment: str, *, written: bool
) -> None:
    folder = prepared(tmp_path / "a", b"one")
    entry = json.loads((folder / "entry.json").read_text())
    first = publish(manifest(entry), at(folder), bucket, "latest")
    folder = prepared(tmp_path / "b", b"two", b"three")
    with publisher(folder, bucket, "killed", 1) as process:
        _kill_at(s3, moment, process, written=written)
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
        process.wait(60)
    assert process.returncode == -signal.SIGKILL
    s3.before = s3.after = lambda method, path: None
    moved = moment == "index.json" or (moment == "latest.json" and written)
    assert (check(bucket) == first.id) is not moved
    entry = json.loads((folder / "entry.json").read_text())
    last = publish(manifest(entry, by="killed", n=0), at(folder), bucket, "latest")
    assert check(bucket) == last.id and verify(bucket).faults == []


def _kill_at(s3: S3, moment: str, process: subprocess.Popen[str], *, written: bool) -> None:
    """Kill a publisher as it writes a file: before the store did, or before it could answer."""

    def kill(method: str, path: str) -> None:
        if method == "PUT" and path.endswith(moment):
            process.kill()
            process.wait()
            if not written:
                raise ConnectionAbortedError

    if written:
        s3.after = kill
    else:
        s3.before = kill
