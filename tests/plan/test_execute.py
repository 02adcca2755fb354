"""A plan, run: what it fetches is told, and locked beside its config."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from http_server import running_server

from pipeline.base.errors import ConfigError
from pipeline.config.file import load_config
from pipeline.download.lock import lock_path
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.graph import Node
from pipeline.engine.store import Store
from pipeline.engine.watch import Silent
from pipeline.plan import Plan
from pipeline.plan.execute import fetch_files, stored_results

sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "lanes"))

import plain_steps as steps

MOBILENET = Path(__file__).parents[2] / "configs" / "mobilenet.yaml"


class Notes(Silent):
    """Keeps what a watch is told of downloads."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on_progress(self, fraction: float, note: str, lane: str) -> None:
        assert lane == "", "a download has no lane"
        self.notes.append(note)


def test_a_download_is_told_to_the_runs_watch_and_locked_beside_the_config(tmp_path: Path) -> None:
    config = Path(shutil.copy(MOBILENET, tmp_path / "model.yaml"))
    store, watch = Store(tmp_path / "store"), Notes()
    with running_server() as site:
        url = site.put("weights.bin", bytes(3_000_000))
        remote = RemoteFile(url, None, 10**7, "give the file")
        plan = Plan(config=load_config(config))
        plan.add(Node("pull", steps.write, steps.Write(), files={"weights": remote}))
        files = fetch_files(plan, store, watch.on_progress)
    assert files["pull"]["weights"].stat().st_size == 3_000_000
    assert watch.notes[-1] == f"pull: 3.0 MB of {url}"
    assert url in lock_path(config).read_text()


def test_nothing_is_run_where_only_the_store_is_asked(tmp_path: Path) -> None:
    plan = Plan(config=load_config(MOBILENET))
    plan.add(Node("a", steps.write, steps.Write(text="a")))
    with pytest.raises(ConfigError, match="does not hold the result of “a”"):
        stored_results(plan, Store(tmp_path))
