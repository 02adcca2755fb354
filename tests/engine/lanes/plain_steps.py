"""Real steps for the runner's tests: they count how often they ran in a file beside them."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from pipeline.base.errors import PipelineError, SourceError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import Files, Keep, piece, progress, step


class Write(StrictOptions):
    text: str = ""
    log: str = ""
    seconds: float = 0.0


def _ran(options: Write) -> None:
    if options.log:
        with Path(options.log).open("a") as log:
            log.write(f"{options.text} {time.monotonic():.6f} {os.getpid()}\n")
    time.sleep(options.seconds)
    if options.log:
        with Path(options.log).open("a") as log:
            log.write(f"{options.text}-end {time.monotonic():.6f} {os.getpid()}\n")


@step(version=1)
def write(files: Files, options: Write, work: Path) -> None:
    _ran(options)
    before = "".join((folder / "text").read_text() for folder in files.values())
    (work / "text").write_text(before + options.text)
    progress(1.0, f"wrote {options.text}")


@step(version=1, quick=True)
def quick(files: Files, options: Write, work: Path) -> None:
    _ran(options)
    if options.text == "bad":
        raise SourceError("cannot be had", where="there", todo="do this")
    (work / "text").write_text("".join(sorted(path.name for path in files["0"].iterdir())))


@step(version=1)
def two(files: Files, options: Write, work: Path) -> None:
    _ran(options)
    (work / "text").write_text("read")
    (work / "folder").mkdir()
    (work / "folder" / "large").write_text("not read")


@step(version=1, alone=True)
def alone(files: Files, options: Write, work: Path) -> None:
    _ran(options)
    (work / "text").write_text("alone")


@step(version=1, lane="compress")
def background(files: Files, options: Write, work: Path) -> None:
    for _ in range(int(options.seconds / 0.1)):
        with piece(), Path(options.log).open("a") as log:
            log.write(f"{options.text} {time.monotonic():.6f} {os.getpid()}\n")
            time.sleep(0.1)
    (work / "text").write_text("background")


@step(version=1)
def slow(files: Files, options: Write, work: Path) -> None:
    for done in range(1, 11):
        progress(done / 10, f"half of {options.text}")
        time.sleep(options.seconds / 10)
    (work / "text").write_text(options.text)


@step(version=1)
def only_now(files: Files, options: Write, work: Path) -> Keep:
    _ran(options)
    (work / "text").write_text("now")
    return Keep.THIS_BUILD


@step(version=1)
def refuse(files: Files, options: Write, work: Path) -> None:
    raise SourceError("cannot be had", where="there", todo="do this")


@step(version=1)
def crash(files: Files, options: Write, work: Path) -> None:
    raise ZeroDivisionError("of a library")


@step(version=1)
def killed(files: Files, options: Write, work: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def write_killed(options: Write, ended: PipelineError, work: Path) -> None:
    (work / "text").write_text(f"{options.text}: {ended.what}")


@step(version=1, if_killed=write_killed)
def crashes_in_native_code(files: Files, options: Write, work: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@step(version=1)
def killed_while_it_reports(files: Files, options: Write, work: Path) -> None:
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
    while True:
        progress(0.5, "x" * 10_000_000)


@step(version=1)
def aborts(files: Files, options: Write, work: Path) -> None:
    os.abort()


@step(version=1)
def names_paths(files: Files, options: Write, work: Path) -> None:
    (folder,) = files.values()
    if options.log == "input":
        (folder / "gone").read_text()
    if options.log == "work":
        raise ValueError(f"cannot write {work / 'model.bin'} in {work}\nof its second line: {work}")
    object_ = work.parents[1] / "objects" / "ab" / "cd"
    raise SourceError(f"is damaged: {object_}", where=str(folder))


@step(version=1)
def chatter(files: Files, options: Write, work: Path) -> None:
    _ran(options)
    while True:
        progress(0.5, "x" * 1_000_000)


@step(version=1)
def ends_its_worker(files: Files, options: Write, work: Path) -> None:
    """Kills the process that its own was started by, as often as the log has no such lines."""
    with Path(options.log).open("a+") as log:
        log.seek(0)
        before = sum(line.startswith(f"{options.text} ") for line in log)
        log.write(f"{options.text} {os.getppid()}\n")
    if before < options.seconds:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    (work / "text").write_text(options.text)


@step(version=1)
def names_its_machine(files: Files, options: Write, work: Path) -> None:
    (work / "text").write_text(f"{os.environ['PIPELINE_MACHINE']} {os.getppid()}")
