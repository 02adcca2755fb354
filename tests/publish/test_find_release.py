from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_folder import artifact, at, manifest

from pipeline.base.errors import ConfigError
from pipeline.publish.release.release import publish
from pipeline.publish.upkeep.find import find_release, read


@pytest.fixture
def cdn(tmp_path: Path) -> Path:
    """Two releases of ``m``: ``stable`` points to the first, ``latest`` to the second."""
    for content, channel in ((b"one", "stable"), (b"two", "latest")):
        entry = artifact(tmp_path / channel, content)
        publish(manifest(entry, n=channel), at(tmp_path / channel), tmp_path / "cdn", channel)
    return tmp_path / "cdn"


def release(cdn: Path, channel: str) -> str:
    pointed: str = json.loads((cdn / "m" / f"{channel}.json").read_text())["release"]
    return pointed


@pytest.mark.parametrize("name", [None, "latest", "m", "m/latest"])
def test_the_latest_release_has_many_names(cdn: Path, name: str | None) -> None:
    assert read(find_release(name, cdn))["release"] == release(cdn, "latest")


def test_channels_ids_and_their_beginnings(cdn: Path) -> None:
    wanted = release(cdn, "stable")
    for name in ("stable", "m/stable", wanted, wanted[:6], f"m/{wanted}"):
        assert find_release(name, cdn) == cdn / "m" / "releases" / wanted / "manifest.json"


def test_paths(cdn: Path) -> None:
    found = find_release("stable", cdn)
    elsewhere = cdn / "nowhere"
    assert find_release(str(found), elsewhere) == found
    assert find_release(str(found.parent), elsewhere) == found
    assert find_release(str(cdn / "m"), elsewhere) == find_release("latest", cdn)
    assert find_release(str(cdn), elsewhere) == find_release("latest", cdn)


def test_what_is_not_there_is_said_with_what_is(cdn: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'"stabel" is none.*\n  name one of .*m/stable'):
        find_release("stabel", cdn)
    with pytest.raises(ConfigError, match="nothing is published there\n  run `pipeline build`"):
        find_release(None, tmp_path / "empty")


def test_several_models_need_a_name(cdn: Path, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "b", b"three")
    publish({**manifest(entry), "name": "other"}, at(tmp_path / "b"), cdn, "latest")
    with pytest.raises(ConfigError, match=r"is several\n  name one of .*m/latest"):
        find_release("latest", cdn)
    with pytest.raises(ConfigError, match="name one of m, other"):
        find_release(None, cdn)
    assert read(find_release("other", cdn))["name"] == "other"


def test_a_file_that_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(ConfigError, match="is no manifest"):
        read(find_release(str(tmp_path / "x.json"), tmp_path))


def test_json_of_something_else_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"name": "x", "artifacts": ["a"]}')
    with pytest.raises(ConfigError, match="is no manifest"):
        read(tmp_path / "x.json")


def test_a_folder_called_as_a_model_is_does_not_hide_it(
    cdn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere" / "m").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_release("m", cdn) == find_release("latest", cdn)


def test_the_folder_that_one_stands_in(
    cdn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = find_release("latest", cdn)
    for folder in (cdn, cdn / "m", latest.parent):
        monkeypatch.chdir(folder)
        assert find_release(".", tmp_path / "nowhere") == latest
