"""Runs steps of workflows and actions as a runner of GitHub's does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from readme import ROOT


def run_step(
    script: str, folder: Path, temp: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a step's ``run`` in a workspace; its outputs and summary become files of ``temp``."""
    files = {
        "GITHUB_OUTPUT": temp / "output",
        "GITHUB_STEP_SUMMARY": temp / "summary",
        "RUNNER_TEMP": temp,
        "GITHUB_ACTION_PATH": ROOT,
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    given = {name: str(file) for name, file in files.items()} | variables
    return subprocess.run(
        # As for `shell: bash`.
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **given, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
