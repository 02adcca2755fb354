"""`pipeline bisect` finds the first node that is wrong."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.commands.common import COMMON, open_store


@click.command("bisect")
@click.argument("artifact", metavar="ARTIFACT")
@click.option(
    "--backend",
    "target",
    required=True,
    metavar="TARGET",
    help="Where it goes wrong, as in tfjs-webgl@chromium or onnxruntime-cpu.",
)
@click.option(
    "--config",
    default="configs/mobilenet.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The config that the artifact was built from.",
)
@click.option(
    "--samples",
    default=4,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many of the golden's samples to run; first those that its proof there found worst.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, min_open=True),
    help="The error that a node may add, as a share of its output's range; by the variant's "
    "number format otherwise (0.0001 for float32).",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the reproduction; artifacts/bisect/… otherwise.",
)
@COMMON
def command(
    artifact: str,
    overrides: tuple[str, ...],
    store_path: str,
    as_json: bool,
    *,
    target: str,
    config: Path,
    samples: int,
    tolerance: float | None,
    output: Path | None,
) -> None:
    """Find the first node of a built ARTIFACT whose output is wrong.

    Compares its intermediate tensors on TARGET with the source's, and writes a folder that shows
    the wrong node without this pipeline.

    \b
    Examples:
      pipeline bisect tfjs-graph/fp32 --backend tfjs-webgl@chromium
      pipeline bisect onnx/int8 --backend onnxruntime-cpu --samples 16
      pipeline bisect onnx/fp32 --backend onnxruntime-cpu --config configs/mobilenet.yaml --json
    """
    from pipeline.bisect.job import Request
    from pipeline.cli.bisect import run

    request = Request(artifact, target, samples, tolerance)
    run(config, overrides, request, open_store(store_path), output=output, as_json=as_json)
