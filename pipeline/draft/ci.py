"""The workflow that builds, proves and publishes the configs of a user's repository on GitHub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import ConfigError
from pipeline.base.tools import OURSELVES, version

FILE = Path(".github/workflows/models.yml")
#: OWNER/REPOSITORY, maybe a folder in it, and a commit, a tag or a branch.
_ACTION = re.compile(r"[\w.-]+(/[\w.-]+)+@[\w./-]+")
#: What a line of shell and of YAML takes as it is.
_FOLDER = re.compile(r"[\w./-]+")

#: Of what pip installs there, where no action is named. A name alone may be another's on an index.
CHECK = "put the wheel into the repository under this name, or name its address"

_HEAD = """\
# Written by `pipeline init --ci`: builds, proves and publishes the models of CONFIGS.
name: models
on:
  push:
    branches: [main]
    paths: ["CONFIGS", FILE]
  workflow_dispatch:
permissions: {}
concurrency:
  group: models
  cancel-in-progress: false
jobs:
  models:
    runs-on: ubuntu-24.04
    timeout-minutes: 120
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
"""
_BY_ACTION = """\
      - uses: ACTION
        with:
          configs: "CONFIGS"
"""
_BY_PIP = """\
      - uses: actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0
        with:
          python-version: "3.12"
      - uses: actions/setup-node@6044e13b5dc448c55e2357c09f80417699197238 # v6.2.0
        with:
          node-version: 22
          package-manager-cache: false
      - name: install
        env:
          # check: CHECK
          PIPELINE: REQUIREMENT
        run: |
          python -m pip install --quiet "$PIPELINE"
          pipeline setup
      - name: build
        run: pipeline build CONFIGS
      - name: report
        if: ${{ !cancelled() }}
        run: |
          for config in CONFIGS; do
            pipeline report "$config" --markdown >> "$GITHUB_STEP_SUMMARY"
          done
"""
_TAIL = """\
      # What configs publish to a bucket (publish.to) needs no more; a folder goes with the job.
      - uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
        with:
          name: models
          path: artifacts/cdn
"""


@dataclass(frozen=True)
class Workflow:
    """What is written into the repository that this is the folder of."""

    folder: Path
    """It builds all configs there."""
    action: str | None
    """The action that it uses, ``OWNER/REPOSITORY@COMMIT``; else pip installs the wheel."""

    @property
    def check(self) -> str | None:
        """What could not be told of it."""
        return f"PIPELINE, in it: {CHECK}" if self.action is None else None

    def text(self) -> str:
        """The file, in YAML."""
        values = {
            "CONFIGS": (self.folder / "*.yaml").as_posix(),
            "FILE": FILE.as_posix(),
            "CHECK": CHECK,
            "REQUIREMENT": f"./{OURSELVES.replace('-', '_')}-{version(OURSELVES)}-py3-none-any.whl",
            "ACTION": self.action or "",
        }
        steps = _BY_PIP if self.action is None else _BY_ACTION
        return re.sub(r"\b[A-Z]{4,}\b", lambda m: values.get(m[0], m[0]), f"{_HEAD}{steps}{_TAIL}")


def plan_workflow(config: Path, action: str | None) -> Workflow:
    """A workflow that can be written, for a config that may not be there yet.

    Raises:
        ConfigError: it cannot be written here, or there is one.
    """
    if action is not None and not _ACTION.fullmatch(action):
        raise ConfigError("it is no action", where=action, todo="--action OWNER/REPOSITORY@COMMIT")
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    if root != here:
        raise ConfigError("it is in a repository", where=str(here), todo=f"run it in {root}")
    if not (_FOLDER.fullmatch(str(config.parent)) and config.resolve().is_relative_to(here)):
        what = "a workflow names no folder outside of the repository, or of other characters"
        raise ConfigError(what, where=str(config.parent), todo="name another with --to")
    if FILE.exists():
        raise ConfigError(
            f"there is {FILE} already",
            todo="leave out --ci: it builds what its line `pipeline build` or `configs` names",
        )
    return Workflow(config.parent, action)
