"""The digests beside a config."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.errors import PipelineError, SourceError
from pipeline.download.lock import Digest, key, lock_path, read, record

A = Digest("a" * 64, 17)
B = Digest("b" * 64, 18)
URL = "https://user:secret@host.example/w.h5?token=secret"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "mobilenet-imagenet.yaml"


def test_nothing_recorded(config: Path) -> None:
    assert read(config) == {}


def test_recorded_and_read(config: Path) -> None:
    record(config, "https://b.example/w", B)
    record(config, "https://a.example/w", A)
    record(config, "https://a.example/w", A)
    assert read(config) == {"https://a.example/w": A, "https://b.example/w": B}
    assert (config.parent / "mobilenet-imagenet.lock").read_text() == (
        "{\n"
        ' "https://a.example/w": {\n  "bytes": 17,\n  "sha256": "' + "a" * 64 + '"\n },\n'
        ' "https://b.example/w": {\n  "bytes": 18,\n  "sha256": "' + "b" * 64 + '"\n }\n'
        "}\n"
    )
    assert [path.name for path in config.parent.iterdir()] == ["mobilenet-imagenet.lock"]


def test_no_password_is_written(config: Path) -> None:
    record(config, URL, A)
    (name,) = read(config)
    assert name == key(URL)
    assert name.startswith("https://host.example/w.h5?") and "secret" not in name


@pytest.mark.parametrize("other", [B, Digest(A.sha256, 18)])
def test_never_another_digest(config: Path, other: Digest) -> None:
    record(config, URL, A)
    before = lock_path(config).read_bytes()
    with pytest.raises(SourceError) as caught:
        record(config, URL, other)
    assert str(caught.value) == (
        f"{lock_path(config)}: https://host.example/w.h5 gave sha256 {other.sha256} (18 bytes), "
        f"recorded is {A.sha256} (17 bytes)\n"
        "  if the new file is to be trusted, delete its entry there and run again"
    )
    assert lock_path(config).read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<<<<<<< HEAD\n{}",
        "[]",
        '{"u": 1}',
        '{"u": {"sha256": "short", "bytes": 1}}',
        '{"u": {"sha256": "' + "a" * 64 + '"}}',
        '{"u": {"sha256": "' + "a" * 64 + '", "bytes": "1"}}',
        '{"u": {"sha256": 5, "bytes": 1}}',
    ],
)
def test_corrupt(config: Path, text: str) -> None:
    lock_path(config).write_text(text)
    for act in (lambda: read(config), lambda: record(config, "v", A)):
        with pytest.raises(SourceError, match="this lock file cannot be read") as caught:
            act()
        assert "restore it from version control, or delete it" in caught.value.todo
    assert lock_path(config).read_text() == text


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="could not record the digest of a download"):
        record(tmp_path / "none" / "x.yaml", "u", A)


def test_processes_at_once_lose_nothing(config: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from pipeline.download.lock import Digest, record\n"
        "for i in range(40): record(Path(sys.argv[1]), f'{sys.argv[2]}{i}', Digest('a' * 64, i))"
    )
    commands = [[sys.executable, "-c", script, str(config), name] for name in "abc"]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0]
    assert len(json.loads(lock_path(config).read_text())) == 120
