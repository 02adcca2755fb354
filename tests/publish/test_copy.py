from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keys
import pytest
from click.testing import CliRunner
from published import artifact, at, check, manifest

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.cli.main import main
from pipeline.publish.release.channel import MovedError
from pipeline.publish.release.release import PublishedRelease, publish
from pipeline.publish.release.upload import Piece
from pipeline.publish.trust.signature import SIGNATURE, signer
from pipeline.publish.trust.signed import Trusted
from pipeline.publish.trust.signed import check as check_signature
from pipeline.publish.upkeep import copy as copying
from pipeline.storage import open_storage
from pipeline.storage.local import LocalStorage


def released(cdn: Path, name: str, *contents: bytes, **more: Any) -> PublishedRelease:
    """A release of a model in a CDN folder, with something beside the models."""
    work = cdn.with_name(f"work-{cdn.name}-{name}-{len(contents)}")
    shared = work / "shared.js"
    entry = artifact(work, *contents)
    shared.write_bytes(name.encode())
    paths = ("runtimes/" + "0" * 8 + ".js", "client/index.js")
    root = [Piece(path, lambda: shared, len(name)) for path in paths]
    return publish(manifest(entry, name=name), at(work), cdn, "latest", root=root, **more)


def copy(source: Path, to: Path) -> list[str]:
    return copying.copy(copying.source(str(source)), open_storage(str(to)))


def files(cdn: Path) -> dict[str, bytes]:
    """All that a CDN folder serves."""
    paths = [path for path in cdn.rglob("*") if path.is_file()]
    return {
        path.relative_to(cdn).as_posix(): path.read_bytes()
        for path in paths
        if not path.name.startswith(".")
    }


def test_a_copy_serves_the_same(tmp_path: Path) -> None:
    release = released(tmp_path / "a", "m", b"one", b"two")
    assert copy(tmp_path / "a", tmp_path / "b") == [f"m/latest -> {release.id}"]
    assert files(tmp_path / "b") == files(tmp_path / "a")
    assert check(tmp_path / "b") == release.id


def test_the_models_of_several_folders_come_into_one_index(tmp_path: Path) -> None:
    first, second = released(tmp_path / "a", "m", b"one"), released(tmp_path / "b", "n", b"two")
    for folder in ("a", "b"):
        copy(tmp_path / folder, tmp_path / "site")
    index = json.loads((tmp_path / "site" / "index.json").read_text())["models"]
    assert {name: model["channels"] for name, model in index.items()} == {
        "m": {"latest": first.id},
        "n": {"latest": second.id},
    }
    assert [release["release"] for release in index["n"]["releases"]] == [second.id]
    headers = (tmp_path / "site" / "_headers").read_text()
    assert "/m/latest.json\n" in headers and "/n/latest.json\n" in headers


def test_one_model_of_a_folder(tmp_path: Path) -> None:
    released(tmp_path / "a", "m", b"one")
    released(tmp_path / "a", "n", b"two")
    copy(tmp_path / "a" / "n", tmp_path / "b")
    assert sorted(json.loads((tmp_path / "b" / "index.json").read_text())["models"]) == ["n"]
    assert not any(name.startswith("m/") for name in files(tmp_path / "b"))
    assert (tmp_path / "b" / "client" / "index.js").exists()


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    released(tmp_path / "a", "m", b"one")
    copy(tmp_path / "a", tmp_path / "b")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "b").rglob("*")}
    assert copy(tmp_path / "a", tmp_path / "b") == []
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "b").rglob("*")} == before


def test_what_is_there_stays(tmp_path: Path) -> None:
    old = released(tmp_path / "b", "m", b"old")
    new = released(tmp_path / "a", "m", b"new", b"head")
    copy(tmp_path / "a", tmp_path / "b")
    index = json.loads((tmp_path / "b" / "index.json").read_text())["models"]["m"]
    assert {release["release"] for release in index["releases"]} == {old.id, new.id}
    assert check(tmp_path / "b") == new.id


def test_a_release_that_is_there_keeps_its_own_date(tmp_path: Path) -> None:
    there = released(tmp_path / "b", "m", b"one")
    path = tmp_path / "b" / "m" / "releases" / there.id / "manifest.json"
    known = json.loads(path.read_text()) | {"created": "2020-01-01T00:00:00+00:00"}
    path.write_text(json.dumps(known))
    released(tmp_path / "a", "m", b"one")
    (tmp_path / "b" / "m" / "latest.json").unlink()
    copy(tmp_path / "a", tmp_path / "b")
    assert json.loads(path.read_text()) == known
    check(tmp_path / "b")


def test_a_signature_comes_along(tmp_path: Path) -> None:
    private, public = keys.pair(tmp_path)
    signs = signer(private)
    assert signs
    release = released(tmp_path / "a", "m", b"one", writers=[signs.sign])
    copy(tmp_path / "a", tmp_path / "b")
    folder = tmp_path / "b" / "m" / "releases" / release.id
    assert (folder / SIGNATURE).exists()
    assert check_signature(lambda name: (folder / name).read_bytes(), Trusted(public)).ok


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    released(tmp_path / "a", "m", b"one")
    (path,) = (tmp_path / "a" / "m" / "files").iterdir()
    path.write_bytes(b"two")
    with pytest.raises(PipelineError, match="changed while it was copied"):
        copy(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b" / "m" / "latest.json").exists()
    assert not list((tmp_path / "b").glob("m/files/*"))


def test_a_channel_that_another_one_moves_meanwhile_is_left(tmp_path: Path) -> None:
    released(tmp_path / "a", "m", b"one")
    winner = {}

    class Raced(LocalStorage):
        def publishing(self) -> AbstractContextManager[None]:
            winner["m"] = released(self.root, "m", b"two", b"three").id
            return super().publishing()

    with pytest.raises(MovedError, match="another publisher moved latest"):
        copying.copy(copying.source(str(tmp_path / "a")), Raced(tmp_path / "b"))
    assert check(tmp_path / "b") == winner["m"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    released(tmp_path / "a", "m", b"one")
    (tmp_path / "file").write_text("in the way")
    to = tmp_path / "file" / "cdn"
    with pytest.raises(PipelineError, match="only what is missing is copied") as told:
        copy(tmp_path / "a", to)
    assert told.value.where == str(to)
    assert told.value.what.startswith("Not a directory")


def test_where_nothing_is_published_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing is published there"):
        copying.source(str(tmp_path))


def test_no_channel_moves_to_a_release_that_is_not_whole(tmp_path: Path) -> None:
    old = released(tmp_path / "b", "m", b"old")
    released(tmp_path / "a", "m", b"new", b"head")
    next(
        path for path in (tmp_path / "a/m/files").iterdir() if path.read_bytes() == b"head"
    ).unlink()
    with pytest.raises(PipelineError, match="files of this release are missing: m/files/"):
        copy(tmp_path / "a", tmp_path / "b")
    assert check(tmp_path / "b") == old.id


def test_a_signature_that_was_made_later_comes_later(tmp_path: Path) -> None:
    private, public = keys.pair(tmp_path)
    signs = signer(private)
    assert signs
    release = released(tmp_path / "a", "m", b"one")
    copy(tmp_path / "a", tmp_path / "b")
    at_source, copied = (tmp_path / place / "m/releases" / release.id for place in "ab")
    signs.sign(json.loads((at_source / "manifest.json").read_text()), at_source)
    copy(tmp_path / "a", tmp_path / "b")
    assert check_signature(lambda name: (copied / name).read_bytes(), Trusted(public)).ok


def test_a_channel_that_goes_back_is_told(tmp_path: Path) -> None:
    old = released(tmp_path / "a", "m", b"old")
    path = tmp_path / "a/m/releases" / old.id / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"created": "2020-01-01T00:00:00"}))
    new = released(tmp_path / "b", "m", b"new", b"head")
    (line,) = copy(tmp_path / "a", tmp_path / "b")
    assert line.startswith(f"m/latest -> {old.id} (back: {new.id}, ")


def test_a_twin_of_what_no_longer_compresses_goes(tmp_path: Path) -> None:
    released(tmp_path / "a", "m", b"one")
    copy(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b/client/index.js.br").write_bytes(b"of before")
    copy(tmp_path / "a", tmp_path / "b")
    assert files(tmp_path / "b") == files(tmp_path / "a")


def test_to_a_bucket_and_back(tmp_path: Path, bucket: str) -> None:
    release = released(tmp_path / "a", "m", b"one", b"two")
    there = ["copy", str(tmp_path / "a"), "--to", bucket]
    back = ["copy", f"{bucket}/m", "--to", str(tmp_path / "b")]
    for words in (there, back):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        assert f"moved m/latest -> {release.id}\n" in done.output
    assert files(tmp_path / "b") == files(tmp_path / "a")
