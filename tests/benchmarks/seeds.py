"""Whether a training's gates hold wherever it is made: ``python -m tests.benchmarks.seeds``.

Processors round sums differently, and a training makes of that another network. Other seeds do so
too, and can be tried on one machine. Each variant of a config that trains is built with several of
them, to ONNX, and held to its own gates.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from pipeline.base.table import table
from pipeline.config.file import load_config

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "mobilenet-optimized.yaml"
PIPELINE = Path(sys.executable).with_name("pipeline")
ARTIFACT = "onnx"

#: Of gates, what says something of a seed; times do not.
JUDGED = ("top1_agreement", "accuracy_drop", "wire_bytes")
MARKS = {"pass": "✓", "fail": "✗"}
HEAD = ("variant", "seed", "accuracy", "lost", "same class", "after brotli", "gates")


def seeded(config: Path, only: tuple[str, ...], seeds: range) -> dict[str, Any]:
    """A config of each variant that trains, with each seed, beside float32."""
    raw = yaml.safe_load(config.read_text())
    names = [name for name in trained(config) if not only or name in only]
    variants: dict[str, Any] = {"fp32": {}}
    gates: dict[str, Any] = {}
    for name in names:
        for seed in seeds:
            variants[f"{name}-{seed}"] = _with_seed(config, raw["variants"][name], name, seed)
            bounds = raw["validate"]["gates"].get(name, {})
            gates[f"{name}-{seed}"] = {key: bounds[key] for key in JUDGED if key in bounds}
    export = {ARTIFACT: raw["export"][ARTIFACT] | {"variants": list(variants)}}
    validate = {"backends": ["onnxruntime-cpu"], "repeats": 4, "gates": gates}
    return raw | {"variants": variants, "export": export, "validate": validate}


def trained(config: Path) -> list[str]:
    """The variants of a config that train."""
    variants = load_config(config).variants
    return [
        name
        for name, variant in variants.items()
        if any(
            hasattr(options, "seed") and technique.stage == "model"
            for technique, options in variant.techniques()
        )
    ]


def _with_seed(config: Path, variant: dict[str, Any], name: str, seed: int) -> dict[str, Any]:
    """A variant whose techniques that train have another seed."""
    chain = load_config(config).variants[name].techniques()
    keys = {technique.key: options for technique, options in chain if technique.stage == "model"}
    return {
        key: {**options.model_dump(exclude_unset=True), "seed": seed}
        if (options := keys.get(key))
        else value
        for key, value in variant.items()
    }


def built(raw: dict[str, Any], store: Path) -> dict[str, Any]:
    """The manifest of a build, whatever its gates say.

    Raises:
        SystemExit: it ended otherwise; its output is printed.
    """
    with tempfile.TemporaryDirectory(prefix="seeds-") as folder:
        config = Path(folder) / "seeds.yaml"
        config.write_text(yaml.safe_dump(raw, sort_keys=False))
        words = ["build", config, "--no-browsers", "--json", "--store", store.resolve()]
        words += ["--set", f"publish.to={folder}/cdn"]
        command = [str(PIPELINE), *map(str, words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    for line in reversed(done.stdout.splitlines()):
        if line.startswith('{"manifest"'):
            manifest: dict[str, Any] = json.loads(line)["manifest"]
            return manifest
    sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")


def rows(manifest: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row a seed."""
    for artifact in manifest["artifacts"]:
        name, dash, seed = artifact["variant"].rpartition("-")
        if dash:
            (proof,) = artifact["validation"]
            lost = manifest["accuracy"]["value"] - proof["accuracy"]["value"]
            agreed = proof["parity"]["top1_agreement"]
            numbers = (f"{proof['accuracy']['value']:.2%}", f"{100 * lost:+.2f}", f"{agreed:.2%}")
            yield name, seed, *numbers, f"{artifact['br_bytes']:,}", _verdict(proof)


def _verdict(proof: dict[str, Any]) -> str:
    missed = [miss["metric"] for miss in proof["missed"]]
    undecided = [f"≈ {one['metric']}" for one in proof["undecided"]]
    return " ".join([MARKS[proof["status"]], *missed, *undecided])


@click.command()
@click.option("--config", default=CONFIG, show_default=True, type=click.Path(path_type=Path))
@click.option("--variant", "only", multiple=True, help="Only this one; may be given again.")
@click.option("--seeds", default=8, show_default=True, help="Each variant is trained so often.")
@click.option(
    "--store", default=Path("artifacts/store"), show_default=True, type=click.Path(path_type=Path)
)
def main(config: Path, only: tuple[str, ...], seeds: int, store: Path) -> None:
    """Train each variant with several seeds, and hold each to its gates."""
    manifest = built(seeded(config, only, range(seeds)), store)
    shown = list(rows(manifest))
    click.echo(f"source: {manifest['accuracy']['value']:.2%} of {manifest['accuracy']['samples']}")
    table(HEAD, shown, numbers=(1, 2, 3, 4, 5))
    for name in dict.fromkeys(row[0] for row in shown):
        verdicts = [row[-1] for row in shown if row[0] == name]
        kept = sum(verdict.startswith(MARKS["pass"]) for verdict in verdicts)
        sure = sum(verdict == MARKS["pass"] for verdict in verdicts)
        click.echo(f"{name}: {kept} of {len(verdicts)} keep the gates, {sure} of them as measured")


if __name__ == "__main__":
    main()
