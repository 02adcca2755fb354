"""The environment of the peers: the converters that others use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

BIN = Path(sys.executable).parent
PEERS = Path(__file__).parents[2] / "artifacts" / "bench" / "peers"

#: What tensorflowjs' command line needs to start at all today; nothing pins it for its users.
PEER_PACKAGES = ("tensorflowjs==4.22.0", "tf2onnx==1.17.0", "ydf<0.14", "setuptools<81")


def peers_environment() -> Path:
    """The environment that the converters' command lines need, made once."""
    if not (PEERS / ".ready").exists():
        click.echo("making the peers' environment (once)", err=True)
        uv = BIN / "uv"
        subprocess.run(
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, PEERS], check=True
        )
        # Without this project's settings, which leave out what the peers cannot do without.
        install = [
            uv,
            "pip",
            "install",
            "--no-config",
            "--quiet",
            "--compile-bytecode",
            "--python",
            PEERS,
        ]
        subprocess.run([*install, *PEER_PACKAGES], check=True)
        (PEERS / ".ready").touch()
    return PEERS / "bin"
