"""Environments are whole or not there, made once, and removed only where nothing runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.base.errors import PipelineError
from pipeline.environment import make, place
from pipeline.environment import remove as removing
from pipeline.environment.enter import hold
from pipeline.environment.install import Tools
from pipeline.environment.make import ensure
from pipeline.environment.place import ASIDE, Environment
from pipeline.environment.remove import remove

pytestmark = pytest.mark.usefixtures("package")
FORK = multiprocessing.get_context("fork")


def quiet(line: str) -> None:
    """Says nothing."""


def make_slowly(environment: Environment, tools: Tools) -> None:
    (environment.folder / "half").touch()
    time.sleep(60)


def started(command: Callable[[], object]) -> multiprocessing.process.BaseProcess:
    process = FORK.Process(target=command)
    process.start()
    return process


def wait_for(pattern: str) -> None:
    deadline = time.monotonic() + 20
    while not list(place.root().glob(pattern)):
        assert time.monotonic() < deadline, pattern
        time.sleep(0.02)


def test_a_command_runs_in_it_with_its_own_name_and_code(package: Path) -> None:
    environment, run = ensure(quiet)
    assert environment.is_whole() and environment.facts()["bytes"] > 0
    command = [run.python, run.script("pipeline"), "build", "a b"]
    ended = subprocess.run(
        command, env={"ENDS_WITH": "3"}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (3, "ran pipeline build a b\n")
    modules = next(run.folder.glob("lib/*/site-packages/pipeline/backends/web/node_modules"))
    assert (modules / "one").is_dir()
    assert not list(package.rglob("__pycache__")), "nothing is written into site-packages"


def test_it_is_made_once_and_again_where_it_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    environment, run = ensure(lines.append)
    made = len(lines)
    ensure(lines.append)
    assert len(lines) == made
    # As where the Python that it was made of is uninstalled.
    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python3.12")
    ensure(lines.append)
    assert len(lines) == 2 * made and environment.is_whole() and run.is_whole()
    ensure(lines.append, anew=True)
    assert len(lines) == 3 * made


def test_a_new_version_with_the_same_locks_shares_its_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment, run = ensure(quiet)
    monkeypatch.setattr(place, "_files", lambda: ["pipeline/api.py,sha256=other,1"])
    same, other = ensure(quiet)
    assert (same, other.folder == run.folder) == (environment, False)
    assert remove(quiet, everything=False, dry_run=True).folders == (), "a clone knows no versions"
    monkeypatch.setattr(removing, "is_inside", lambda: False)
    assert remove(quiet, everything=False, dry_run=False).folders == (run.folder,)
    assert environment.is_whole() and other.is_whole()


def test_a_failure_leaves_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    environment, run = ensure(quiet)

    def fail(environment: Environment, tools: Tools) -> None:
        raise PipelineError("no network")

    monkeypatch.setattr(make, "_PARTS", {"npm": fail})
    with pytest.raises(PipelineError, match="no network"):
        ensure(quiet, anew=True)
    assert environment.is_whole() and run.is_whole()
    assert [path.name for path in place.root().iterdir()] == [environment.folder.name]


def test_one_that_was_killed_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = dict(make._PARTS)
    monkeypatch.setattr(make, "_PARTS", {"slow": make_slowly})
    process = started(lambda: ensure(quiet))
    wait_for(f"{ASIDE}*/half")
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert not place.wanted().folder.exists()
    monkeypatch.setattr(make, "_PARTS", parts)
    environment, _ = ensure(quiet)
    assert [path.name for path in place.root().iterdir()] == [environment.folder.name]


def test_of_two_at_once_one_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"

    def count(environment: Environment, tools: Tools) -> None:
        with log.open("a") as file:
            file.write("made\n")
        time.sleep(0.5)

    monkeypatch.setattr(make, "_PARTS", {**make._PARTS, "count": count})

    def say(line: str) -> None:
        with log.open("a") as file:
            file.write(f"{line.partition(':')[0]}\n")

    for process in [started(lambda: ensure(say)) for _ in range(3)]:
        process.join(60)
        assert process.exitcode == 0
    lines = log.read_text().splitlines()
    assert lines.count("made") == 1
    assert lines.count("another process is making an environment") == 2


def test_what_a_command_runs_in_stays() -> None:
    run = hold(quiet)
    folder = place.wanted().folder
    # Another process: this one holds what it looks at.
    removed = remove(quiet, everything=True, dry_run=False)
    assert (removed.folders, removed.in_use) == ((), (folder,))
    assert run.is_whole()


def test_old_ones_are_removed() -> None:
    environment, _ = ensure(quiet)
    old = place.root() / "0123456789abcdef"
    (old / "venv").mkdir(parents=True)
    (old / "venv" / "file").write_bytes(b"x" * 10_000)
    named = remove(quiet, everything=False, dry_run=True)
    assert (named.folders, named.bytes >= 10_000, old.is_dir()) == ((old,), True, True)
    assert remove(quiet, everything=False, dry_run=False).folders == (old,)
    assert not old.exists() and environment.is_whole()
    remove(quiet, everything=True, dry_run=False)
    assert not environment.folder.exists()


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(place.VARIABLE, str(tmp_path / "file" / "below"))
    with pytest.raises(PipelineError, match=f"{place.VARIABLE}=/path"):
        ensure(quiet)


def test_a_full_disk_is_told_before_anything_is_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "NEEDED_BYTES", 10**18)
    with pytest.raises(PipelineError, match=f"are free.*\n.*{place.VARIABLE}=/path"):
        ensure(quiet)


def test_caches_lie_where_the_platform_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(place.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(place.platform, "system", lambda: "Linux")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    rest = "model-pipeline/environments"
    assert place.root() == tmp_path / ".cache" / rest
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert place.root() == tmp_path / ".cache" / rest
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert place.root() == Path("/elsewhere") / rest
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(place.platform, "system", lambda: "Darwin")
    assert place.root() == tmp_path / "Library" / "Caches" / rest
