"""Models of the Hugging Face hub, from a server of ours that speaks as it does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import http_server
import pytest
from http_server import Handler, Site
from pydantic import ValidationError

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.download.fetch import fetch
from pipeline.download.remote_file import Patience
from pipeline.sources.hugging_face import Options, pull, remote_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = json.dumps({"modelTopology": {"node": []}, "weightsManifest": []}).encode()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with http_server.running_server() as site:
        monkeypatch.setenv("HF_ENDPOINT", f"{site.address}/")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        site.put("org/tiny/resolve/main/web/model.json", MODEL)
        yield site


def pulled(work: Path, **options: Any) -> SourceFolder:
    """What becomes of a file of the repository ``org/tiny``."""
    chosen = Options(**({"repo": "org/tiny", "file": "web/model.json"} | options))
    patience = Patience(attempts=2, backoff_seconds=0.01)
    folder = work / "source"
    folder.mkdir(parents=True)
    files = {
        name: fetch(file, work / "downloads", progress=lambda *_: None, patience=patience).path
        for name, file in remote_files(chosen).items()
    }
    pull(files, chosen, folder)
    return SourceFolder(folder)


def test_a_file_is_told_by_its_content(hub: Site, tmp_path: Path) -> None:
    source = pulled(tmp_path)
    assert json.loads(source.description) == {"load": "tfjs", "kind": "graph"}
    assert source.facts == {"name": "org/tiny", "revision": "main"}
    assert {path.name for path in source.folder.iterdir()} == {
        *("facts.json", "model.json", "source.json")
    }


def test_large_files_lie_elsewhere_and_the_token_goes_to_the_hub_alone(
    hub: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    with http_server.running_server() as storage:
        url = storage.put("lfs/object?signature=x", MODEL).partition("?")[0]
        storage.put("lfs/object", MODEL)

        def redirect(handler: Handler) -> None:
            linked = hashlib.sha256(MODEL).hexdigest()
            handler.start(
                302, Location=url, X_Repo_Commit=COMMIT, X_Linked_ETag=linked, Content_Length=0
            )

        hub.faults.append(redirect)
        pulled(tmp_path)
        assert hub.requests[0].headers["authorization"] == "Bearer secret"
        assert "authorization" not in storage.requests[0].headers


def test_files_that_a_model_reads_come_along(hub: Site, tmp_path: Path) -> None:
    entry = {"name": "w", "shape": [2], "dtype": "float32"}
    model = {"modelTopology": {"node": []}, "weightsManifest": [
        {"paths": ["parts/w.bin"], "weights": [entry]}
    ]}  # fmt: skip
    hub.put("org/tiny/resolve/v1/web/model.json", json.dumps(model).encode())
    hub.put("org/tiny/resolve/v1/web/parts/w.bin", bytes(8))
    source = pulled(tmp_path, revision="v1", beside=["web/parts/w.bin"])
    assert (source.folder / "weights-0.bin").read_bytes() == bytes(8)
    with pytest.raises(SourceError, match=r"add beside to the source: .web/parts/w.bin."):
        pulled(tmp_path / "without", revision="v1")


def refuse(status: int, **headers: object) -> Callable[[Handler], None]:
    return lambda handler: handler.start(status, Content_Length=0, **headers)


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "HTTP 401"), (403, "HTTP 403"), (404, "HTTP 404"), (429, "2 attempts failed.* 429")],
)
def test_a_refusal_says_what_to_do(status: int, message: str, hub: Site, tmp_path: Path) -> None:
    hub.always = refuse(status, Retry_After=0)
    with pytest.raises(SourceError, match=message) as caught:
        pulled(tmp_path)
    assert "set HF_TOKEN to a token of yours" in caught.value.todo


def test_a_hub_that_asks_for_patience_gets_it(hub: Site, tmp_path: Path) -> None:
    hub.faults += [refuse(429, Retry_After=0)]
    assert json.loads(pulled(tmp_path).description)["load"] == "tfjs"


def test_without_a_file_the_models_are_listed_onnx_first(hub: Site, tmp_path: Path) -> None:
    names = ["README.md", "a.tflite", "onnx/model_q4.onnx", "onnx/model.onnx", "pytorch_model.bin"]
    siblings = [{"rfilename": name} for name in names]
    hub.put("api/models/org/tiny/revision/main", json.dumps({"siblings": siblings}).encode())
    with pytest.raises(SourceError) as caught:
        pulled(tmp_path, file=None)
    listed = "its models: onnx/model.onnx, onnx/model_q4.onnx, a.tflite"
    assert caught.value.what == f"no file of org/tiny is named; {listed}"


def test_of_a_repository_for_pytorch_alone_it_says_how_to_make_an_onnx_file(
    hub: Site, tmp_path: Path
) -> None:
    siblings = [{"rfilename": "model.safetensors"}]
    hub.put("api/models/org/tiny/revision/main", json.dumps({"siblings": siblings}).encode())
    with pytest.raises(SourceError, match="holds no model of a kind that is known") as caught:
        pulled(tmp_path, file=None)
    assert caught.value.todo.endswith("optimum-cli export onnx --model org/tiny FOLDER")
    hub.put("org/tiny/resolve/main/model.safetensors", bytes(16))
    with pytest.raises(SourceError, match="safetensors is no model of a kind that is known"):
        pulled(tmp_path / "named", file="model.safetensors")


def test_a_list_that_cannot_be_had_is_told(hub: Site, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"its files cannot be listed: .*404") as caught:
        pulled(tmp_path, file=None)
    assert "\n" not in caught.value.what


@pytest.mark.parametrize(
    "options",
    [
        {"repo": "../x"},
        {"repo": "a/b/c"},
        {"file": "../model.onnx"},
        {"file": "/etc/passwd"},
        {"file": "a/../../b.onnx"},
        {"beside": ["../x"]},
        {"revision": "x?y"},
    ],
)
def test_names_lead_nowhere_else(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options(**({"repo": "org/tiny", "file": "model.onnx"} | options))
