"""``make bench``: whole commands against each other, as ratios to one ``import tensorflow``.

Times on shared machines drift, so each round runs the import beside the
commands, and ratios are taken within a round.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import psutil
import yaml

from tests.benchmarks.peers import BIN, peers_environment

HERE = Path(__file__).parent

CONFIG = {
    "name": "mobilenet-224",
    "task": "image-classification",
    "license": "Apache-2.0",
    "samples": {"random": {"count": 16, "seed": 0}},
    "input": {"image": {"size": [224, 224], "color": "rgb", "scale": [-1, 1]}},
    "variants": {
        "fp32": {},
        "fp16": {"quantize": "float16"},
        "uint8": {"quantize": "uint8"},
        "int8": {"quantize": {"to": "int8", "calibrate": 16}},
    },
    "export": {
        "tfjs-graph": {"variants": ["fp32", "fp16", "uint8"]},
        "onnx": {"variants": ["fp32", "int8"]},
    },
    # Random weights lose much of their sense in 8 bits; here only the time is of interest.
    "validate": {"gates": {"default": {"relative_error": 0.95}}},
}


@dataclass(frozen=True)
class Timing:
    """One run of one command."""

    seconds: float
    peak_bytes: int
    """The largest sum, over the process and its children, of memory not shared (PSS)."""


def timed(command: Sequence[object], cwd: Path | None = None) -> Timing:
    """Run a command to its end.

    Raises:
        SystemExit: it failed; its output is printed.
    """
    words = [str(word) for word in command]
    start = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - start
    watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}:\n{output}")
    return Timing(seconds, peak[0])


def _watch(pid: int, peak: list[int]) -> None:
    try:
        root = psutil.Process(pid)
        while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            peak[0] = max(peak[0], sum(map(_pss, [root, *root.children(recursive=True)])))
            time.sleep(0.2)
    except psutil.Error:
        return


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


class Round:
    """All commands once, beside one import."""

    def __init__(self, model: Path, folder: Path, peers: Path | None) -> None:
        self._model, self._folder, self._peers = model, folder, peers
        self.timings: dict[str, Timing] = {}

    def run(self) -> None:
        # Once untimed: other commands may have pushed its files out of the page cache, and then
        # the unit would be the disk's time.
        timed([sys.executable, "-c", "import tensorflow"])
        self._time("import tensorflow", [sys.executable, "-c", "import tensorflow"])
        config = self._config("bench.yaml", {})
        build = [BIN / "pipeline", "build", "--no-browsers", "--store", self._folder / "store"]
        self._time("cold build", [*build, config])
        self._time("same build again", [*build, config])
        more = {"uint16": {"quantize": "uint16"}}
        self._time("one weight-only variant added", [*build, self._config("more.yaml", more)])
        if self._peers:
            self._run_peers()

    def _run_peers(self) -> None:
        assert self._peers is not None
        timed([self._peers / "python", "-c", "import tensorflowjs"])
        # The module, not its script, whose first line names the folder that it was made in.
        tfjs = [self._peers / "python", "-m", "tensorflowjs.converters.converter"]
        tfjs.append("--input_format=tf_saved_model")
        total = 0.0
        peak = 0
        for flags in ((), ("--quantize_float16=*",), ("--quantize_uint8=*",)):
            out = self._folder / f"peer{len(list(self._folder.glob('peer*')))}"
            timing = timed([*tfjs, *flags, self._model, out])
            total, peak = total + timing.seconds, max(peak, timing.peak_bytes)
        convert = [self._peers / "python", "-m", "tf2onnx.convert", "--opset", "17"]
        output = self._folder / "peer.onnx"
        timing = timed([*convert, "--saved-model", self._model, "--output", output])
        peak = max(peak, timing.peak_bytes)
        self.timings["peers, 3 TF.js and 1 ONNX"] = Timing(total + timing.seconds, peak)

    def _time(self, name: str, command: Sequence[object]) -> None:
        self.timings[name] = timed(command)

    def _config(self, name: str, more: dict[str, object]) -> Path:
        config = {**CONFIG, "source": {"saved_model": str(self._model)}}
        config["variants"] = {**CONFIG["variants"], **more}  # type: ignore[dict-item]
        chosen = ["fp32", "fp16", "uint8", *more]
        config["export"] = {**CONFIG["export"], "tfjs-graph": {"variants": chosen}}  # type: ignore[dict-item]
        path = self._folder / name
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return path


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Every command is run so often.")
@click.option("--no-peers", is_flag=True, help="Leave out the converters' own command lines.")
def main(rounds: int, no_peers: bool) -> None:
    """Time builds of MobileNet v1 224 in units of one `import tensorflow`."""
    peers = None if no_peers else peers_environment()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, HERE / "model.py", folder / "model"], check=True, capture_output=True
        )
        done = []
        for number in range(rounds):
            click.echo(f"round {number + 1} of {rounds}", err=True)
            place = folder / f"round{number}"
            place.mkdir()
            one = Round(folder / "model", place, peers)
            one.run()
            done.append(one.timings)
            shutil.rmtree(place)
    report(done)


def report(rounds: Sequence[dict[str, Timing]]) -> None:
    """Print seconds, the ratio to the import of the same round, and memory."""
    click.echo(f"{'':34}{'seconds':>9}{'imports':>9}{'(range)':>15}{'peak memory':>14}")
    for name in rounds[0]:
        ratios = [r[name].seconds / r["import tensorflow"].seconds for r in rounds]
        seconds = median(r[name].seconds for r in rounds)
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        peak = max(r[name].peak_bytes for r in rounds) / 2**20
        click.echo(f"{name:34}{seconds:9.2f}{median(ratios):9.3f}{spread:>15}{peak:10.0f} MiB")


if __name__ == "__main__":
    main()
