"""Models of Kaggle, from a server of ours that speaks as it does."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import http_server
import pytest
from http_server import Handler, Site
from pydantic import ValidationError

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.download.fetch import fetch
from pipeline.sources.kaggle import Options, pull, remote_files

HANDLE = "google/movenet/tfJs/singlepose-lightning/4"
MODEL = json.dumps({"modelTopology": {"node": []}, "weightsManifest": []}).encode()


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with http_server.running_server() as site:
        monkeypatch.setenv("KAGGLE_API_ENDPOINT", site.address)
        monkeypatch.setenv("KAGGLE_API_TOKEN", "secret")
        yield site


def archive(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as opened:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        opened.addfile(member, io.BytesIO(content))
    return out.getvalue()


def pulled(work: Path) -> SourceFolder:
    options = Options(handle=HANDLE)
    (remote,) = remote_files(options).values()
    file = fetch(remote, work / "downloads", progress=lambda *_: None).path
    (work / "source").mkdir()
    pull({"file": file}, options, work / "source")
    return SourceFolder(work / "source")


def test_its_archive_is_unpacked_and_its_token_stays_with_it(kaggle: Site, tmp_path: Path) -> None:
    with http_server.running_server() as storage:
        url = storage.put("signed", archive("model.json", MODEL))

        def redirect(handler: Handler) -> None:
            handler.start(302, Location=url, Content_Length=0)

        kaggle.faults.append(redirect)
        source = pulled(tmp_path)
        assert "authorization" not in storage.requests[0].headers
    assert kaggle.requests[0].path == f"/api/v1/models/{HANDLE}/download"
    assert kaggle.requests[0].headers["authorization"] == "Bearer secret"
    assert json.loads(source.description)["load"] == "tfjs"
    assert source.facts == {"name": HANDLE}


def test_what_is_no_model_is_told_by_its_handle(kaggle: Site, tmp_path: Path) -> None:
    kaggle.put(f"api/v1/models/{HANDLE}/download", archive("weights.pt", b"x"))
    with pytest.raises(SourceError, match=r"the archive holds weights\.pt") as caught:
        pulled(tmp_path)
    assert caught.value.where == f"source.kaggle: {HANDLE}"


def test_one_that_asks_for_consent_says_what_to_do(kaggle: Site, tmp_path: Path) -> None:
    kaggle.always = lambda handler: handler.start(403, Content_Length=0)
    with pytest.raises(SourceError, match="HTTP 403") as caught:
        pulled(tmp_path)
    assert "give it on the model's page and set KAGGLE_API_TOKEN" in caught.value.todo


@pytest.mark.parametrize(
    "handle",
    [
        "google/movenet",
        "google/movenet/pyTorch/x/1",
        "a/../tfjs/b/1",
        "a/b/tfjs/../1",
        "a/b/tfjs/c/x",
    ],
)
def test_a_handle_names_one_version_of_a_kind_that_is_known(handle: str) -> None:
    with pytest.raises(ValidationError):
        Options(handle=handle)
