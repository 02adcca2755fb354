"""``python -m tests.benchmarks.from_nothing``: what a first visitor waits for.

A fresh clone of what is committed, with an environment, a store and caches of its own, and
``make build``; with ``--wheel``, the wheel in an environment and a folder of its own, and
``pipeline build`` of the same config. Packages come from wherever this machine's package managers
are told to look, and Chromium is installed only where there is none. Ends as the build does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import psutil

from pipeline.environment.make import disk_bytes

ROOT = Path(__file__).parents[2]
UV = Path(sys.prefix) / "bin" / "uv"

#: What is to be done within, on two cores that have nothing else to do.
WANTED_S = 240

#: What setting up leaves when a part of it is done. The parts run side by side.
STAMPS = {
    "virtual environment": ".venv/.made",
    "npm packages": "pipeline/backends/web/node_modules/.ready",
    "Python packages": ".venv/.ready",
    "browser": ".venv/.chromium",
}
#: Of this environment, what a visitor's has not.
OURS = re.compile(r"PYTHONPATH|PYTHONDONTWRITEBYTECODE|VIRTUAL_ENV|MAKE.*|MFLAGS|PIPELINE_.*")
CACHES = ("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache", "XDG_CACHE_HOME")

STEP = re.compile(r"^✓ (\w+).* ([\d.]+) s$")


@dataclass(frozen=True)
class Phase:
    """One command, as the clock and the processors saw it."""

    seconds: float
    cpu_s: float
    """Of all processes of this machine, on all cores."""
    idle: float
    """Share of all cores' time in which nothing ran."""
    output: str
    code: int


def timed(command: list[str], cwd: Path, environment: Mapping[str, str]) -> Phase:
    """Run a command to its end, showing what it says."""
    before, start = psutil.cpu_times(), time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    lines = []
    for line in process.stdout or ():
        click.echo(f"{time.monotonic() - start:7.1f}  {line}", nl=False, err=True)
        lines.append(line)
    code = process.wait()
    seconds, after = time.monotonic() - start, psutil.cpu_times()
    idle = (after.idle - before.idle) + (after.iowait - before.iowait)
    cores_s = seconds * (os.cpu_count() or 1)
    return Phase(seconds, cores_s - idle, idle / cores_s, "".join(lines), code)


def visitor(folder: Path) -> dict[str, str]:
    """The environment of somebody who has nothing of ours."""
    kept = {name: value for name, value in os.environ.items() if not OURS.fullmatch(name)}
    return kept | {name: str(folder / name.lower()) for name in CACHES}


def parts(clone: Path, began: float) -> dict[str, float]:
    """Part of the set-up -> seconds from its begin to that part's end."""
    stamps = {name: clone / path for name, path in STAMPS.items()}
    return {name: path.stat().st_mtime - began for name, path in stamps.items() if path.exists()}


def kinds(output: str) -> dict[str, tuple[int, float]]:
    """Kind of step -> how many there were and their seconds, longest first."""
    found: dict[str, tuple[int, float]] = {}
    for line in output.splitlines():
        if step := STEP.match(line):
            count, seconds = found.get(step[1], (0, 0.0))
            found[step[1]] = count + 1, seconds + float(step[2])
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def report(clone: Path, began: float, setup: Phase, build: Phase | None) -> None:
    """Print phases, in seconds, and the total."""
    click.echo(f"{'set-up':34}{_phase(setup)}")
    for name, seconds in parts(clone, began).items():
        click.echo(f"  {name + ', done after':32}{seconds:8.1f} s")
    if build is None:
        return
    click.echo(f"{'build':34}{_phase(build)}")
    for kind, (count, seconds) in kinds(build.output).items():
        click.echo(f"  {kind:24}{count:6}  {seconds:8.1f} s, some of it side by side")
    total = setup.seconds + build.seconds
    verdict = "within" if total <= WANTED_S else "not within"
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    click.echo(f"{'from nothing to a release':34}{total:8.1f} s, {verdict} {WANTED_S} s; {load}")


def _phase(phase: Phase) -> str:
    return f"{phase.seconds:8.1f} s, {phase.cpu_s:.0f} s of CPU, {phase.idle:.0%} idle"


def of_wheel() -> int:
    """Time the wheel's way to the same release; the build's exit code."""
    with tempfile.TemporaryDirectory(prefix="from-nothing-") as name:
        folder = Path(name)
        subprocess.run(["git", "clone", "--quiet", ROOT, folder / "clone"], check=True)
        build_wheel = [UV, "build", "--quiet", "--wheel", "--out-dir", folder, folder / "clone"]
        subprocess.run(build_wheel, check=True)
        (wheel,) = folder.glob("*.whl")
        (folder / "project").mkdir()
        config = (folder / "clone" / "configs" / "mobilenet.yaml").rename(
            folder / "project" / "m.yaml"
        )
        environment = visitor(folder) | {"PIPELINE_ENVIRONMENTS": str(folder / "environments")}
        venv = folder / "venv"
        commands_in = venv / "bin"
        commands = {
            "virtual environment": [sys.executable, "-m", "venv", str(venv)],
            "wheel": [str(commands_in / "pip"), "install", "--quiet", str(wheel)],
            "set-up": [str(commands_in / "pipeline"), "setup"],
            "build": [str(commands_in / "pipeline"), "build", config.name],
        }
        seconds = 0.0
        for part, command in commands.items():
            phase = timed(command, config.parent, environment)
            click.echo(f"{part:34}{_phase(phase)}")
            if phase.code:
                return phase.code
            seconds += phase.seconds
        caches = sum(_bytes(Path(environment[name])) for name in CACHES)
        size = _bytes(Path(environment["PIPELINE_ENVIRONMENTS"]))
        click.echo(f"{'from nothing to a release':34}{seconds:8.1f} s")
        click.echo(
            f"environment {size / 1e9:.2f} GB, caches of pip, uv and npm {caches / 1e9:.2f} GB"
        )
    return 0


def _bytes(folder: Path) -> int:
    return disk_bytes(folder) if folder.is_dir() else 0


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Clone into this folder; keep it.")
@click.option("--wheel", is_flag=True, help="Install the wheel, in place of a clone.")
def main(keep: Path | None, wheel: bool) -> None:
    """Time a fresh clone's `make build`, or the way of the wheel to the same release."""
    if wheel:
        sys.exit(of_wheel())
    with tempfile.TemporaryDirectory(prefix="from-nothing-") as name:
        clone = keep or Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        environment = visitor(Path(name))
        began = time.time()
        setup = timed(["make", "ready"], clone, environment)
        build = None if setup.code else timed(["make", "build"], clone, environment)
        report(clone, began, setup, build)
    sys.exit(setup.code or (build.code if build else 1))


if __name__ == "__main__":
    main()
