"""Failures of real libraries within steps: the step, the input and the library, and no path."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import pipeline

from pipeline.base.errors import PipelineError, SourceError, together
from pipeline.base.faults import without_store
from pipeline.engine.call import StepCall, execute
from pipeline.engine.store import Result, Store

FIXTURE = (
    Path(__file__).parents[1] / "backends" / "web" / "fixtures" / "classifier_onnx" / "artifact"
)


def keep(store: Store, folder: Path) -> Any:
    """The tree of a folder whose files are moved into a store."""
    return store.add(folder, 0.0).tree


def run(store: Store, step: str, options: dict[str, Any], **trees: Any) -> dict[str, str]:
    """A step, as a process of steps runs it: the files that it made."""
    call = StepCall("a step", store.place, step, json.dumps(options), trees, {}, "key")
    tree, seconds, _ = execute(call)
    folder = store.open(Result(tree, seconds))
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix == ".json"}


def refused(store: Store, step: str, options: dict[str, Any], **trees: Any) -> str:
    with pytest.raises(PipelineError) as caught:
        run(store, step, options, **trees)
    assert str(store.root) not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def folder(tmp_path: Path, **files: str | bytes) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (made / name.replace("__", ".")).write_bytes(raw)
    return made


def test_a_damaged_model_in_a_step(store: Store, tmp_path: Path) -> None:
    signature = json.dumps({"inputs": [], "outputs": []})
    files: dict[str, Any] = {"model__onnx": b"\x0a\xff no model", "signature__json": signature}
    model = keep(store, folder(tmp_path, **files))
    options = {"variant": "fp32", "shard_bytes": 2**20, "codec_options": {}}
    said = refused(store, "pipeline.export.onnx:package", options, model=model).splitlines()
    assert said[0].startswith("a step: protobuf failed: ")
    assert said[0].endswith("(DecodeError)")
    assert said[1].startswith("  run again with --debug for the traceback")


def test_a_model_that_onnxruntime_refuses_is_a_failed_proof(store: Store, tmp_path: Path) -> None:
    artifact = Path(shutil.copytree(FIXTURE, tmp_path / "artifact"))
    entry = json.loads((artifact / "artifact.json").read_text())["entry"]
    (artifact / entry).write_bytes(b"\x0a\xff no model")
    options: dict[str, Any] = {"backend": "onnxruntime-cpu", "engine": "", "required": True}
    options |= {"task": "tensors", "repeats": 1, "threads": None}
    golden = keep(store, folder(tmp_path, golden__json="{}"))
    trees = {"artifact": keep(store, artifact), "golden": golden}
    made = run(store, "pipeline.validate.measure:measure", options, **trees)
    result = json.loads(made["result.json"])
    assert result["status"] == "fail"
    assert result["reason"].startswith("onnxruntime does not run it: ")
    assert str(store.root) not in json.dumps(result)


def test_a_damaged_source_is_named_by_its_input(store: Store, tmp_path: Path) -> None:
    details = json.dumps({"load": "keras_file", "path": "model.h5"})
    source = keep(store, folder(tmp_path, source__json=details, model__h5=b"no model"))
    said = refused(store, "pipeline.export.freeze:freeze", {}, source=source)
    assert said.startswith("source/model.h5: this is not an HDF5 file")


def test_a_damaged_file_of_the_store_is_told_by_the_step(store: Store, tmp_path: Path) -> None:
    source = keep(store, folder(tmp_path, source__json="{}"))
    (damaged,) = (store.path(sha256) for sha256, _ in source.values())
    damaged.chmod(0o644)
    damaged.write_text("[]")
    fresh = Store(tmp_path / "again")
    shutil.copytree(store.root / "objects", fresh.root / "objects")
    said = refused(fresh, "pipeline.export.freeze:freeze", {}, source=source)
    assert said.startswith("a step: a file that an earlier step made was damaged")


def test_what_no_step_explains_shows_no_path_of_a_store_either() -> None:
    digest = "0123456789abcdef" * 4
    for path in (
        f"/a b/store/trees/{digest}/files/x.onnx".replace(" ", ""),
        f"artifacts/store/objects/{digest[:2]}/{digest[2:]}",
        "/store/work/tmp0_1a2b3c/model.onnx",
    ):
        assert without_store(f"cannot read '{path}': gone") == (
            "cannot read 'a file of the store': gone"
        )
    assert without_store("/home/me/work/tmp/model.h5 is damaged").startswith("/home/me")


def test_several_errors_end_a_command_as_the_first_does_each_told_once() -> None:
    one = SourceError("gone", where="a", todo="get it")
    other = PipelineError("broke", where="b")
    both = together([one, other, one])
    assert (str(both), both.exit_code) == ("a: gone\n  get it\nb: broke", 4)
    assert together([one, one]) is one or str(together([one, one])) == str(one)


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_a_traceback_only_where_it_is_asked_for(tmp_path: Path, debug: list[str]) -> None:
    (tmp_path / "model.h5").write_bytes(b"no model")
    (tmp_path / "x.yaml").write_text(
        "name: x\nlicense: MIT\nsource: {keras_file: model.h5}\nvariants: {fp32: {}}\n"
        "export: {onnx: {}}\nvalidate: {backends: [onnxruntime-cpu]}\n"
    )
    ended = pipeline(*debug, "build", "x.yaml", cwd=tmp_path, check=4)
    error = ended.stderr[ended.stderr.index("error: ") :]
    assert error.startswith(f"error: {tmp_path}/model.h5: this is not an HDF5 file")
    assert len(error.splitlines()) == 2
    assert ("Traceback" in ended.stderr) is bool(debug)
    assert str(tmp_path / "artifacts") not in error
