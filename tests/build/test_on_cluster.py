"""Whole builds on workers that are processes of their own, into a bucket, whatever is killed."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster import ROOT, running
from commands import pipeline
from s3_server import S3

pytestmark = pytest.mark.nightly

SMALL = ("variants={fp32: {}, uint8: {quantize: uint8}}", "export={onnx: {}, tfjs-graph: {}}")
QUICK = "validate.backends=[onnxruntime-cpu, tfjs-wasm]"


def configs(folder: Path) -> list[Path]:
    """Two models that share most steps."""
    text = (ROOT / "configs" / "mobilenet.yaml").read_text()
    paths = []
    for name in ("one", "two"):
        config = {**yaml.safe_load(text), "name": name, "publish": {"to": str(folder / "cdn")}}
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(yaml.safe_dump(config))
    return paths


def words(folder: Path, store: object) -> list[object]:
    sets = [word for assignment in (*SMALL, QUICK) for word in ("--set", assignment)]
    return [*configs(folder), "--store", store, *sets]


def artifacts(folder: Path, name: str) -> list[dict[str, Any]]:
    """Those of the release that was published."""
    model = folder / "cdn" / name
    release = json.loads((model / "latest.json").read_text())["release"]
    manifest = json.loads((model / "releases" / release / "manifest.json").read_text())
    return list(manifest["artifacts"])


def files_of(folder: Path, name: str) -> dict[str, list[str]]:
    """Artifact -> the digests of its files."""
    made = artifacts(folder, name)
    return {one["id"]: sorted(file["sha256"] for file in one["files"]) for one in made}


def machines(folder: Path, name: str) -> set[str]:
    """Where its proofs ran."""
    proofs = [proof for one in artifacts(folder, name) for proof in one["validation"]]
    return {proof["hardware"]["details"]["machine"] for proof in proofs}


def test_a_build_into_a_bucket_is_what_it_is_on_one_machine(
    bucket: str, s3: S3, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    pipeline("build", *words(tmp_path / "here", tmp_path / "store"))
    with running(tmp_path) as cluster:
        for name in ("w1", "w2"):
            cluster.start_worker(name, bucket)
        code, error = cluster.build(*words(tmp_path, bucket))
        assert code == 0, error
        for name in ("one", "two"):
            assert files_of(tmp_path, name) == files_of(tmp_path / "here", name)
            assert machines(tmp_path, name) <= {"w1", "w2"}
        code, error = cluster.build(*words(tmp_path, bucket))
        assert code == 0 and "✓" not in error, "all from the store"


@pytest.mark.parametrize("seed", range(3))
def test_killing_any_of_them_loses_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with running(tmp_path, "w1", "w2", silent_s=6.0) as cluster:
        build = cluster.begin_build(*words(tmp_path, tmp_path / "store"))
        for victim in ("w1", chance.choice(["w2", "scheduler"])):
            time.sleep(chance.uniform(2, 8))
            cluster.end(victim)
            if victim != "scheduler":
                cluster.start_worker(f"{victim}-again")
        _, error = build.communicate(timeout=400)
        if "scheduler" not in cluster.processes:
            assert build.returncode == 1 and "the scheduler is gone" in error, error
            assert error.count("the scheduler is gone") == 1
            cluster.start_scheduler()
            cluster.start_worker("fresh")
            code, error = cluster.build(*words(tmp_path, tmp_path / "store"))
            assert code == 0, error
        else:
            assert build.returncode == 0, error
    assert files_of(tmp_path, "one") == files_of(tmp_path, "two")


def test_an_interrupted_command_ends_soon(tmp_path: Path) -> None:
    with running(tmp_path, "w1") as cluster:
        build = cluster.begin_build(*words(tmp_path, tmp_path / "store"))
        time.sleep(8)
        build.send_signal(signal.SIGINT)
        _, error = build.communicate(timeout=30)
        assert build.returncode == 130 and "the same command resumes" in error, error
