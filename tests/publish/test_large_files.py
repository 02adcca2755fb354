"""Some hosts take no file over 25 MiB: none is published, and an old one is told of."""

from __future__ import annotations

from pathlib import Path

import pytest
from published import artifact, at, manifest

from pipeline.backends.web.bundles import ASSETS
from pipeline.base.errors import PipelineError
from pipeline.publish.delivery.runtime import split
from pipeline.publish.release import release
from pipeline.publish.release.release import publish
from pipeline.publish.upkeep.verify.run import verify
from pipeline.storage.layout import MOST_FILE_BYTES

LARGE = bytes(MOST_FILE_BYTES + 1)


def test_publishing_refuses_a_file_that_hosts_do_not_take(tmp_path: Path) -> None:
    entry = artifact(tmp_path / "artifact", b"graph", LARGE)
    with pytest.raises(PipelineError) as told:
        publish(manifest(entry), at(tmp_path / "artifact"), tmp_path / "cdn", "latest")
    assert str(told.value) == (
        "onnx/fp32: its largest weight is a file of 26,214,401 bytes, and hosts such as "
        "Cloudflare Pages take none over 26,214,400\n"
        "  quantize the variant, or leave the artifact out; nothing was published"
    )
    assert not (tmp_path / "cdn" / "m").exists()


def test_verify_tells_of_one_that_was_published_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "check_sizes", lambda manifest: None)
    entry = artifact(tmp_path / "artifact", b"graph", LARGE)
    publish(manifest(entry), at(tmp_path / "artifact"), tmp_path / "cdn", "latest")
    (fault,) = verify(str(tmp_path / "cdn")).faults
    assert fault.path == f"m/{entry['files'][1]['path']}"
    assert fault.what == "holds 26,214,401 bytes: some hosts take none over 26,214,400"


def test_no_file_of_a_runtime_is_too_large_once_it_is_split(tmp_path: Path) -> None:
    files = [path for own in ASSETS.values() for path in own]
    assert any(path.stat().st_size > MOST_FILE_BYTES for path in files), "there is one to split"
    for file in files:
        parts = split(file, tmp_path / file.stem)
        assert all(part.stat().st_size <= MOST_FILE_BYTES for part in parts)
        assert b"".join(part.read_bytes() for part in parts) == file.read_bytes()
        assert len({part.suffix for part in parts}) == 1
