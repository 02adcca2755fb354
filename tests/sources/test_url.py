"""Models at an address: what the file is is told by its content."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import http_server
import numpy as np
import pytest
from http_server import Site
from pydantic import ValidationError

from pipeline.base.errors import SourceError
from pipeline.download.fetch import fetch
from pipeline.download.remote_file import RemoteFile
from pipeline.sources.load import load
from pipeline.sources.url import Options, pull, remote_files

DIGEST = "0" * 64
IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 5)).astype(np.float32)


@pytest.fixture
def site() -> Iterator[Site]:
    with http_server.running_server() as running:
        yield running


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model, saved in every way."""
    import tf_keras

    folder = tmp_path_factory.mktemp("saved")
    tf_keras.utils.set_random_seed(3)
    model = tf_keras.Sequential([tf_keras.layers.Dense(3, input_shape=(5,), name="out")])
    model.save(folder / "model.h5")
    model.save(folder / "model.keras")
    model.export(str(folder / "exported"))
    np.save(folder / "expected.npy", model(IMAGES).numpy())
    return folder


def tar_of(folder: Path, prefix: str, mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        archive.add(folder, prefix)
    return out.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def content_of(kind: str, saved: Path) -> bytes:
    h5, keras = ((saved / f"model.{suffix}").read_bytes() for suffix in ("h5", "keras"))
    folder = saved / "exported"
    inner = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {
        "h5": lambda: h5,
        "keras": lambda: keras,
        "tar.gz": lambda: tar_of(folder, "."),
        "tar in a folder": lambda: tar_of(folder, "a/b", "w"),
        "zip": lambda: zip_of({name: path.read_bytes() for name, path in inner.items()}),
        "zip of h5": lambda: zip_of({"README.md": b"", "a/m.h5": h5, "__MACOSX/._m.h5": b"x"}),
        "zip of keras": lambda: zip_of({"a/m.keras": keras}),
    }[kind]()


KINDS = {
    "h5": "keras_file",
    "keras": "keras_file",
    "tar.gz": "saved_model",
    "tar in a folder": "saved_model",
    "zip": "saved_model",
    "zip of h5": "keras_file",
    "zip of keras": "keras_file",
}


@pytest.mark.parametrize("kind", KINDS)
def test_from_a_server(site: Site, saved: Path, tmp_path: Path, kind: str) -> None:
    content = content_of(kind, saved)
    # The name says nothing.
    url = site.put("download", content)
    options = Options(url=url, sha256=hashlib.sha256(content).hexdigest())
    (remote,) = remote_files(options).values()
    file = fetch(remote, tmp_path / "downloads", progress=lambda done, total: None)
    work = tmp_path / "work"
    work.mkdir()
    pull({"file": file.path}, options, work)
    details = json.loads((work / "source.json").read_text())
    assert details["load"] == KINDS[kind]
    assert {path.name for path in work.iterdir()} == {"source.json", details["path"]}

    loaded = load(work)
    (argument,) = loaded.arguments.values()
    (result,) = loaded.function(**{argument: IMAGES}).values()
    np.testing.assert_allclose(result, np.load(saved / "expected.npy"), atol=1e-6)


def test_remote_file() -> None:
    options = Options(url="https://host.example/m.zip", sha256=DIGEST, max_bytes=7)
    assert remote_files(options) == {
        "file": RemoteFile(
            "https://host.example/m.zip",
            DIGEST,
            7,
            "get the file some other way and name it under a source of its kind",
            "source.url.sha256 in the config",
        )
    }


def refused(tmp_path: Path, content: bytes, **details: Any) -> SourceError:
    file, work = tmp_path / "file", tmp_path / "work"
    file.write_bytes(content)
    work.mkdir()
    options = Options(url="https://me:secret@host.example/m?t=secret", sha256=DIGEST, **details)
    with pytest.raises(SourceError) as caught:
        pull({"file": file}, options, work)
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<!DOCTYPE html><html>", "it begins with '<!DOCTYPE html><html>'"),
        (b"", "it begins with ''"),
        (zip_of({"b.txt": b"", "a/c.onnx": b""}), "the archive holds a/c.onnx, b.txt"),
        (zip_of({}), "it begins with 'PK\\x05\\x06"),
        (
            zip_of({"a/saved_model.pb": b"", "b/saved_model.pb": b"", "m.h5": b""}),
            "the archive holds a/saved_model.pb, b/saved_model.pb",
        ),
        (zip_of({"a.h5": b"", "b.keras": b""}), "the archive holds a.h5, b.keras"),
        (
            zip_of({f"{i:02}.txt": b"" for i in range(12)}),
            "07.txt and 4 more",
        ),
    ],
)
def test_not_one_model(tmp_path: Path, content: bytes, found: str) -> None:
    error = refused(tmp_path, content)
    assert error.what.startswith("this is not one model: ")
    assert found in error.what
    assert error.where == "https://host.example/m"
    assert "give the address of one .keras or .h5 file" in error.todo


def test_bounded_as_unpacked(tmp_path: Path) -> None:
    error = refused(tmp_path, zip_of({"saved_model.pb": bytes(2000)}), max_bytes=1000)
    assert "it is larger than 1,000 bytes" in error.what


def test_unsafe_archive(tmp_path: Path) -> None:
    error = refused(tmp_path, zip_of({"../saved_model.pb": b"x"}))
    assert "it would be written outside of the folder" in error.what
    assert not (tmp_path / "saved_model.pb").exists()


@pytest.mark.parametrize(
    ("details", "message"),
    [
        (
            {"url": "https://host.example/m", "beside": ["../weights.bin"]},
            "beside.0\n  String should match",
        ),
        ({"url": "https://host.example/m", "beside": ["file"]}, "a file called file cannot be"),
        ({"url": "ftp://host.example/m", "sha256": DIGEST}, "this is no http or https address"),
        ({"url": "model.h5", "sha256": DIGEST}, "for a local file use keras_file or saved_model"),
        ({"url": "https://host.example/m", "sha256": "0" * 63}, "sha256\n  String should match"),
        ({"url": "https://host.example/m", "sha256": DIGEST, "max_bytes": 0}, "greater than"),
    ],
)
def test_wrong_options(details: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options(**details)
    assert message in str(caught.value)


def test_key_has_no_secret() -> None:
    options = Options(url="https://me:secret@host.example/m?t=secret", sha256=DIGEST)
    assert options.key() == {
        "url": "https://host.example/m",
        "sha256": DIGEST,
        "beside": [],
        "max_bytes": 2**31,
        "signature": "serving_default",
        "tags": ["serve"],
    }
