"""``python -m tests.benchmarks.releases``: what a second release costs a returning visitor.

The bundled model is published, then published again with a head that was trained for an epoch
on other samples. Printed is what is fetched then, as a share of all bytes of the first visit:
``latest.json``, ``manifest.json``, the entry and the weights, all after brotli; with weights in
shards that follow the layers, and were they cut every 64 KiB or 4 MiB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import yaml

from tests.benchmarks.wire import Published, Update, updates

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PIECES = (2**16, 2**22)

#: The largest share that a release with another head may cost.
BOUND = 0.15


def config(source: dict[str, str]) -> dict[str, Any]:
    """The default config, with the weights in every precision and the backends that are quick."""
    whole: dict[str, Any] = yaml.safe_load((ROOT / "configs" / "mobilenet.yaml").read_text())
    names = ("fp32", "fp16", "uint8")
    return {
        **whole,
        "source": source,
        "variants": {name: whole["variants"][name] for name in names},
        "export": {"tfjs-graph": {}, "tfjs-layers": {}, "onnx": {}},
        "validate": {
            "backends": ["onnxruntime-cpu", "tfjs-wasm"],
            "gates": {"default": {"top1_agreement": 0.9, "accuracy_drop": 0.05}},
        },
    }


def publish(source: dict[str, str], folder: Path) -> Published:
    """Build into ``folder/cdn`` and return what ``latest`` now points to."""
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config(source), sort_keys=False))
    words = [sys.executable, "-m", "pipeline.cli.main", "build", file, "--store", folder / "store"]
    run([*words, "--set", f"publish.to={folder / 'cdn'}"])
    return Published.latest(folder / "cdn" / "mobilenet")


def run(command: list[Any]) -> None:
    """Run a command; where it fails, print what it said and end."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def two_releases(folder: Path) -> tuple[Published, Published]:
    """The bundled model, and after it the same with another head, in one CDN folder."""
    first = publish({"bundled": "mobilenet_digits"}, folder)
    run([sys.executable, "-m", "tests.benchmarks.retrain", folder / "retrained.h5"])
    return first, publish({"keras_file": str(folder / "retrained.h5")}, folder)


def report(found: list[Update]) -> None:
    """Print a row for each artifact."""
    click.echo(f"{'':20}{'first':>10}{'second':>10}{'layers':>9}{'64 KiB':>9}{'4 MiB':>9}")
    for one in found:
        pieces = "".join(f"{one.shares_in_pieces[size]:9.1%}" for size in PIECES)
        sizes = f"{one.first_bytes:10,}{one.again_bytes:10,}"
        click.echo(f"{one.artifact:20}{sizes}{one.share:9.1%}{pieces}")


@click.command()
def main() -> None:
    """Measure what a second release with a retrained head costs a returning visitor."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = list(updates(*two_releases(Path(name)), PIECES))
    report(found)
    if over := [one.artifact for one in found if one.share >= BOUND]:
        sys.exit(f"{', '.join(over)}: not under {BOUND:.0%}")


if __name__ == "__main__":
    main()
