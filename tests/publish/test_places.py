"""What holds wherever a release is published to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from nightly import nightly
from published import artifact, at, check, manifest, pieces

from pipeline.base.digest import tree_digest
from pipeline.base.errors import ConfigError, PipelineError
from pipeline.cdn.index import read_index
from pipeline.cli.main import main
from pipeline.publish.release import channel as channels
from pipeline.publish.release.channel import MovedError
from pipeline.publish.release.release import PublishedRelease, publish
from pipeline.publish.upkeep.clean import clean
from pipeline.publish.upkeep.rollback import rollback
from pipeline.publish.upkeep.verify.run import verify
from pipeline.storage import Storage, open_storage

DAY = 86400.0

#: What asks a bucket nothing that the other tests do not ask it.
WITH_S3_NIGHTLY = pytest.mark.parametrize(
    "place", ["folder", "memory", nightly("s3")], indirect=True
)


def release(place: str, folder: Path, *contents: bytes, **more: Any) -> PublishedRelease:
    """Publish a small release with compressed twins."""
    entry = artifact(folder, *contents, twins=True)
    channel = more.pop("channel", "latest")
    return publish(
        manifest(entry, **more), at(folder), place, channel, write_report, compressed=at(folder)
    )


def write_report(full: Any, folder: Path) -> None:
    assert json.loads((folder / "manifest.json").read_text()) == full
    (folder / "report.html").write_text(f"report of {full['release']}")


def paths(place: str) -> set[str]:
    return set(open_storage(place).walk(""))


def test_a_release_can_be_read_and_verified(place: str, tmp_path: Path) -> None:
    made = release(place, tmp_path / "a", b"one" * 100, b"two" * 100)
    assert made.new and made.copied == 6 and not made.notes
    assert check(place) == made.id
    found = verify(place)
    assert found.faults == [] and len(found.seen) == 6
    listed = read_index(open_storage(place))["m"]
    assert listed["channels"] == {"latest": made.id}
    assert [one["release"] for one in listed["releases"]] == [made.id]
    assert f"m/releases/{made.id}/report.html" in paths(place)


def test_the_same_again_changes_nothing(place: str, tmp_path: Path) -> None:
    first = release(place, tmp_path / "a", b"one")
    before = open_storage(place).walk("")
    second = release(place, tmp_path / "a", b"one")
    assert (second.id, second.new, second.copied) == (first.id, False, 0)
    assert second.manifest == first.manifest
    assert open_storage(place).walk("") == before


def test_only_what_is_missing_is_sent(place: str, tmp_path: Path) -> None:
    release(place, tmp_path / "a", b"shared", b"old head")
    second = release(place, tmp_path / "b", b"shared", b"new head")
    assert second.copied == 3, "the new file and its twins"
    assert check(place) == second.id
    assert len([path for path in paths(place) if "/files/" in path]) == 9


def test_files_of_the_root_are_published_before_the_channel(place: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    (tmp_path / "code.js").write_text("first")
    immutable = f"runtimes/{hashlib.sha256(b'first').hexdigest()}.js"
    root = {immutable: tmp_path / "code.js", "client/index.js": tmp_path / "code.js"}
    arguments = (manifest(entry), at(tmp_path / "a"), place, "latest")
    assert publish(*arguments, root=pieces(root)).copied == 3
    assert publish(*arguments, root=pieces(root)).new is False
    (tmp_path / "code.js").write_text("other")  # of the same length
    del root[immutable]
    again = publish(*arguments, root=pieces(root))
    assert again.new and again.copied == 1
    content = open_storage(place).read("client/index.js")
    assert content and content.data == b"other"


def test_the_loser_of_a_race_for_a_channel_is_told(place: str, tmp_path: Path) -> None:
    winner: list[PublishedRelease] = []

    def meanwhile(full: Any, folder: Path) -> None:
        # Another publisher, whose process is a thread here, ends while this one still works.
        storage = open_storage(place)
        entry = artifact(tmp_path / "b", b"two")
        if not isinstance(storage, Storage) or winner:
            return
        described = {**manifest(entry), "release": "b" * 16, "created": "2026-01-01"}
        path = f"m/releases/{'b' * 16}/manifest.json"
        storage.write(path, json.dumps(described).encode())
        before = channels.read(storage, "m", "latest")
        pointer = {"release": "b" * 16, "manifest": path[2:], "sha256": ""}
        storage_write(storage, "m/latest.json", json.dumps(pointer).encode(), before)

    def storage_write(storage: Storage, path: str, data: bytes, before: Any) -> None:
        if place.startswith(("s3", "memory")):
            assert storage.swap(path, data, before)
        else:
            storage.write(path, data)  # the lock is held by the one that this one overtakes

    first = release(place, tmp_path / "a", b"one")
    entry = artifact(tmp_path / "c", b"three")
    with pytest.raises(MovedError) as caught:
        publish(
            manifest(entry), at(tmp_path / "c"), place, "latest", write_report, writers=[meanwhile]
        )
    assert f"moved latest to release {'b' * 16} while this one worked" in caught.value.what
    loser = caught.value.what.partition("; release ")[2].split()[0]
    assert f"pipeline rollback m --to {loser}" in caught.value.todo
    listed = read_index(open_storage(place))["m"]
    assert listed["channels"]["latest"] == "b" * 16
    assert {one["release"] for one in listed["releases"]} > {first.id, "b" * 16}


@WITH_S3_NIGHTLY
def test_a_release_without_a_pointer_yet_is_published_whole_again(
    place: str, tmp_path: Path
) -> None:
    made = release(place, tmp_path / "a", b"one")
    open_storage(place).remove(["m/latest.json"])
    again = release(place, tmp_path / "a", b"one")
    assert again.new and again.copied == 0 and again.manifest == made.manifest
    assert check(place) == made.id


@WITH_S3_NIGHTLY
def test_an_index_that_is_behind_is_mended_by_the_same_build(place: str, tmp_path: Path) -> None:
    release(place, tmp_path / "a", b"one")
    second = release(place, tmp_path / "b", b"two")
    storage = open_storage(place)
    storage.write("index.json", b'{"models": {}}')
    assert release(place, tmp_path / "b", b"two").new
    listed = read_index(storage)["m"]
    assert listed["channels"] == {"latest": second.id} and len(listed["releases"]) == 2


def test_a_rollback_moves_the_channel_back_and_forth(place: str, tmp_path: Path) -> None:
    first = release(place, tmp_path / "a", b"one")
    second = release(place, tmp_path / "b", b"two")
    moved = rollback("m", first.id[:6], "latest", place)
    assert (moved.before, moved.release) == (second.id, first.id)
    assert check(place) == first.id and verify(place).faults == []
    words = ["rollback", "m", "--to", second.id, "--cdn", place]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert f"m/latest.json -> release {second.id} (was {first.id})" in result.output
    assert check(place) == second.id
    again = CliRunner().invoke(main, words)
    assert "points to release" in again.output and "already" in again.output
    promoted = CliRunner().invoke(main, [*words, "--channel", "stable", "--json"])
    assert json.loads(promoted.output)["before"] is None
    assert check(place, "stable") == second.id and verify(place).faults == []


@WITH_S3_NIGHTLY
def test_a_rollback_refuses_what_readers_could_not_load(place: str, tmp_path: Path) -> None:
    first = release(place, tmp_path / "a", b"one")
    second = release(place, tmp_path / "b", b"two")
    with pytest.raises(ConfigError, match=r'"ffff" is none of the releases of m'):
        rollback("m", "ffff", "latest", place)
    with pytest.raises(ConfigError, match=r'no release of "other" is published there'):
        rollback("other", first.id, "latest", place)
    twin = next(p for p in paths(place) if "/files/" in p and p.endswith(".br"))
    storage = open_storage(place)
    storage.remove([path for path in paths(place) if path.endswith(".bin.gz")])
    with pytest.raises(
        PipelineError, match="files of this release are missing: m/files/"
    ) as caught:
        rollback("m", first.id, "latest", place)
    assert "the channel stays where it is" in caught.value.todo
    assert check(place) == second.id and twin


@WITH_S3_NIGHTLY
@pytest.mark.parametrize(("name", "channel"), [("m", "../../oops"), ("..", "latest"), ("m", "")])
def test_a_rollback_leads_nowhere_else(place: str, tmp_path: Path, name: str, channel: str) -> None:
    made = release(place, tmp_path / "a", b"one")
    before = paths(place)
    with pytest.raises(ConfigError, match="is no name of a"):
        rollback(name, made.id, channel, place)
    assert paths(place) == before


@WITH_S3_NIGHTLY
def test_a_broken_pointer_is_mended_by_the_same_build(place: str, tmp_path: Path) -> None:
    made = release(place, tmp_path / "a", b"one")
    storage = open_storage(place)
    storage.write("m/latest.json", json.dumps({"release": made.id, "sha256": "0" * 64}).encode())
    assert release(place, tmp_path / "a", b"one").new
    assert check(place) == made.id and verify(place).faults == []


@WITH_S3_NIGHTLY
def test_a_twin_that_was_cut_is_mended_by_the_same_build(place: str, tmp_path: Path) -> None:
    release(place, tmp_path / "a", b"one")
    twin = next(path for path in paths(place) if path.endswith(".bin.br"))
    open_storage(place).write(twin, b"x")
    release(place, tmp_path / "a", b"one")
    assert verify(place).faults == []


def test_a_twin_of_what_no_longer_compresses_goes(place: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    page, twin = tmp_path / "page", tmp_path / "twin"
    twin.write_bytes(b"of the page of before")
    arguments = (manifest(entry), at(tmp_path / "a"), place, "latest")
    for text, twins in (("before", {"index.html.br": twin}), ("now", {})):
        page.write_text(text)
        publish(*arguments, root=pieces({"index.html": page, **twins}))
    assert "index.html" in paths(place) and "index.html.br" not in paths(place)


@WITH_S3_NIGHTLY
def test_a_publication_that_fails_keeps_no_clean_up_away(place: str, tmp_path: Path) -> None:
    def broken(full: Any, folder: Path) -> None:
        raise PipelineError("no report")

    entry = artifact(tmp_path / "a", b"one")
    release(place, tmp_path / "b", b"two")
    with pytest.raises(PipelineError, match="no report"):
        publish(manifest(entry), at(tmp_path / "a"), place, "latest", broken)
    clean(place, 1, DAY, really=True)


@WITH_S3_NIGHTLY
def test_a_clean_up_stops_when_publishers_no_longer_wait(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        release(place, tmp_path / str(number), b"head %d" % number)
    aged(place, monkeypatch, 2 * DAY)
    monkeypatch.setattr("pipeline.publish.upkeep.clean.CLEANING_SECONDS", -1.0)
    before = paths(place)
    with pytest.raises(PipelineError, match="more to remove than fits"):
        clean(place, 1, DAY, really=True)
    assert paths(place) == before


def aged(place: str, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the clean-up's clock run ahead: what is published now is old then."""
    import time

    now = time.time
    monkeypatch.setattr("pipeline.publish.upkeep.clean.time.time", lambda: now() + seconds)


@WITH_S3_NIGHTLY
def test_a_clean_up_keeps_what_channels_and_kept_releases_use(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        release(place, tmp_path / str(number), b"shared", b"head %d" % number)
    storage = open_storage(place)
    made = [one["release"] for one in read_index(storage)["m"]["releases"]]  # oldest first
    for channel, pointed in (("stable", made[0]), ("latest", made[4])):
        rollback("m", pointed, channel, place)
    storage.write("m/files/notes.txt", b"not ours")
    text = b"a version that pages name"
    tree = {"index.js": (hashlib.sha256(text).hexdigest(), len(text))}
    client = f"client/{tree_digest(tree)[:16]}/index.js"
    storage.write(client, text)
    unused = f"runtimes/{'0' * 64}.js"
    storage.write(unused, b"no release uses it")
    before = paths(place)

    assert not clean(place, 2, DAY, really=True).releases, "all of it is new"
    aged(place, monkeypatch, 2 * DAY)
    looked = clean(place, 2, DAY, really=False)
    assert [one for _, one in looked.releases] == made[1:3]
    assert paths(place) == before, "a dry run"

    did = clean(place, 2, DAY, really=True)
    assert (did.releases, did.files.keys()) == (looked.releases, looked.files.keys())
    gone = before - paths(place)
    assert gone == {*did.manifests, *did.files} and unused in gone
    assert len([path for path in gone if "/files/" in path]) == 6, "two heads and their twins"
    found = verify(place)
    assert found.faults == [] and {one.id for one in found.releases} == {made[0], *made[3:]}
    assert {"m/files/notes.txt", client} <= paths(place)
    assert not clean(place, 2, DAY, really=True).files


@WITH_S3_NIGHTLY
def test_a_clean_up_that_is_not_sure_removes_nothing(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [release(place, tmp_path / str(n), b"head %d" % n) for n in range(3)]
    aged(place, monkeypatch, 2 * DAY)
    storage = open_storage(place)
    for path in (f"m/releases/{made[2].id}/manifest.json", "m/latest.json"):
        content = storage.read(path)
        assert content
        storage.write(path, b"{")
        before = paths(place)
        with pytest.raises(PipelineError, match="nothing was removed, since it is not sure"):
            clean(place, 1, DAY, really=True)
        assert paths(place) == before
        storage.write(path, content.data)
    assert clean(place, 1, DAY, really=True).releases


@WITH_S3_NIGHTLY
def test_the_clean_command_asks_first(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        release(place, tmp_path / str(number), b"head %d" % number)
    made = [one["release"] for one in read_index(open_storage(place))["m"]["releases"]]
    rollback("m", made[2], "latest", place)
    aged(place, monkeypatch, 2 * DAY)
    words = ["clean", "--cdn", place, "--keep", "1"]
    asked = CliRunner().invoke(main, words)
    assert f"would remove release {made[0]} of m" in asked.output
    assert "--yes removes them" in asked.output and len(verify(place).releases) == 3
    did = CliRunner().invoke(main, [*words, "--yes", "--json"])
    assert json.loads(did.output)["dry_run"] is False
    assert len(verify(place).releases) == 1 and verify(place).faults == []


def test_list_shows_any_place(place: str, tmp_path: Path) -> None:
    made = release(place, tmp_path / "a", b"one")
    result = CliRunner().invoke(main, ["list", place])
    assert made.id in result.output and "latest" in result.output
    data = json.loads(CliRunner().invoke(main, ["list", place, "--json"]).output)
    assert data["models"]["m"]["channels"] == {"latest": made.id}


def test_options_of_the_other_kind_of_clean_up_are_refused() -> None:
    for words, said in (
        (["--keep", "3"], "--keep needs --cdn"),
        (["--cdn", "x", "--all"], "--all is about the store"),
    ):
        result = CliRunner().invoke(main, ["clean", *words])
        assert result.exit_code == 2 and said in result.output
