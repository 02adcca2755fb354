"""Publishing to S3: moto's server over real HTTP on loopback."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from published import artifact, at, check, manifest
from s3_server import S3, running_s3

from pipeline.base.errors import ConfigError, MissingToolError, PipelineError
from pipeline.environment import advice
from pipeline.publish.release import release as releases
from pipeline.publish.release.release import publish
from pipeline.publish.upkeep.clean import clean
from pipeline.publish.upkeep.verify.run import verify
from pipeline.storage import open_storage, problem
from pipeline.storage.patience import Patience
from pipeline.storage.s3 import S3Storage

QUICK = Patience(attempts=3, first_seconds=0.01, longest_seconds=0.02)


def write_report(full: Any, folder: Path) -> None:
    (folder / "report.html").write_text("a report")


def test_objects_carry_the_headers_that_readers_need(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"weights" * 100, twins=True)
    folder = at(tmp_path / "a")
    publish(manifest(entry), folder, bucket, "latest", write_report, compressed=folder)
    sent = {
        path.rpartition("/")[2]: heads for method, path, heads in s3.requests if method == "PUT"
    }
    name = entry["entry"].removeprefix("files/")
    for suffix, encoding in (("", None), (".br", "br"), (".gz", "gzip")):
        assert "immutable" in sent[name + suffix]["cache_control"]
        assert sent[name + suffix]["content-type"] == "application/octet-stream"
        # aws-chunked is how the body travels, and not kept.
        kept = sent[name + suffix].get("content_encoding", "").replace("aws-chunked", "").strip(",")
        assert kept == (encoding or "")
    assert sent["latest.json"]["content-type"] == "application/json"
    assert "immutable" not in sent["latest.json"]["cache_control"]
    assert "immutable" in sent["manifest.json"]["cache_control"]
    assert sent["report.html"]["content-type"].startswith("text/html")


def test_the_order_of_writes_hides_half_a_release(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one", b"two")
    publish(manifest(entry), at(tmp_path / "a"), bucket, "latest", write_report)
    puts = [path for path in s3.puts() if "/.publishing/" not in path]
    names = [path.rpartition("/")[2] for path in puts if not path.endswith((".br", ".gz"))]
    last = names.index("manifest.json")
    assert {name[-4:] for name in names[:2]} == {".bin"}
    # What lies beside the manifest is sent at once, in no order.
    assert sorted(names[2:last]) == ["page.json", "report.html"]
    assert names[last:][:3] == ["manifest.json", "latest.json", "index.json"]


def test_several_files_are_sent_at_once(s3: S3, bucket: str, tmp_path: Path) -> None:
    """As many as the barrier waits for have to be under way, or none of them is let go."""
    entry = artifact(tmp_path / "a", *(bytes([n]) * 1000 for n in range(12)))
    together = threading.Barrier(6, timeout=120)
    first = iter(range(6))

    def wait(method: str, path: str) -> None:
        if method == "PUT" and path.endswith(".bin") and next(first, None) is not None:
            together.wait()

    s3.before = wait
    publish(manifest(entry), at(tmp_path / "a"), bucket, "latest")
    assert not together.broken
    check(bucket)


def test_a_store_that_is_busy_is_asked_again(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one", b"two")
    s3.failing += [503, 500, 503, 500]
    made = publish(manifest(entry), at(tmp_path / "a"), bucket, "latest")
    assert not s3.failing and check(bucket) == made.id


def test_a_write_whose_answer_is_lost_is_no_lost_race(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    first = publish(manifest(entry), at(tmp_path / "a"), bucket, "latest")
    s3.lost += ["latest.json", "index.json", "manifest.json"]
    second = publish(manifest(entry, n=2), at(tmp_path / "a"), bucket, "latest")
    assert not s3.lost and check(bucket) == second.id != first.id
    assert verify(bucket).faults == []


def test_what_arrived_is_not_sent_again(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one", b"two", b"three")

    def broken(full: Any, folder: Path) -> None:
        raise PipelineError("no report")

    arguments = (manifest(entry), at(tmp_path / "a"), bucket, "latest")
    with pytest.raises(PipelineError, match="no report"):
        publish(*arguments, broken)
    assert not any(path.endswith("latest.json") for path in s3.puts())
    s3.requests.clear()
    made = publish(*arguments, write_report)
    assert made.copied == 0 and not any(path.endswith(".bin") for path in s3.puts())
    assert check(bucket) == made.id


def test_a_server_that_is_gone_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: S3
) -> None:
    with running_s3() as server:
        address = server.address
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    storage = S3Storage("s3://models/gone", QUICK, endpoint_url=address)
    with pytest.raises(PipelineError, match="the store failed after 3 attempts") as caught:
        storage.read("m/latest.json")
    assert "s3://models/gone/m/latest.json" in caught.value.where
    assert "nothing is half published" in caught.value.todo


def test_a_bucket_that_is_missing_is_named(s3: S3, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    with pytest.raises(PipelineError, match="no such bucket") as caught:
        publish(manifest(entry), at(tmp_path / "a"), "s3://no-such-bucket/cdn", "latest")
    assert caught.value.where == "s3://no-such-bucket/cdn"


def test_a_denied_write_is_said_so(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    s3.denied.append(".bin")
    with pytest.raises(PipelineError, match="access denied"):
        publish(manifest(entry), at(tmp_path / "a"), bucket, "latest")
    assert not any(path.endswith("latest.json") for path in s3.puts())


def test_a_swap_is_refused_if_another_one_wrote(s3: S3, bucket: str) -> None:
    storage = open_storage(bucket)
    assert storage.swap("m/latest.json", b"1", None)
    assert not storage.swap("m/latest.json", b"2", None)
    known = storage.read("m/latest.json")
    assert storage.swap("m/latest.json", b"3", known)
    assert not storage.swap("m/latest.json", b"4", known)
    storage.remove(["m/latest.json"])
    assert not storage.swap("m/latest.json", b"5", known)
    assert storage.read("m/latest.json") is None


def test_a_clean_up_gives_up_beside_a_publisher(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    said: list[str] = []

    def meanwhile(full: Any, folder: Path) -> None:
        with pytest.raises(PipelineError) as caught:
            clean(bucket, 1, 3600.0, really=True)
        said.append(caught.value.what)

    publish(manifest(entry), at(tmp_path / "a"), bucket, "latest", meanwhile)
    assert said == ["a publisher is at work there, or was killed lately"]
    clean(bucket, 1, 3600.0, really=True)
    assert not any("/." in path for path in open_storage(bucket).walk("")), "no flag is left"


def test_a_publisher_waits_for_a_clean_up(s3: S3, bucket: str, tmp_path: Path) -> None:
    entry = artifact(tmp_path / "a", b"one")
    arguments = (manifest(entry), at(tmp_path / "a"), bucket, "latest")
    publisher = threading.Thread(target=publish, args=arguments)
    with open_storage(bucket).cleaning(3600.0):
        publisher.start()
        publisher.join(2.5)
        assert publisher.is_alive() and not any(path.endswith(".bin") for path in s3.puts())
    publisher.join(30)
    check(bucket)


def test_a_store_without_compare_and_swap_is_said_to_be_one(tmp_path: Path) -> None:
    """Any kind that fsspec knows, through its common calls: here a folder, as ``local://``."""
    entry = artifact(tmp_path / "a", b"one" * 1000, b"two", twins=True)
    to = f"local://{tmp_path}/cdn"
    folder = at(tmp_path / "a")
    made = publish(manifest(entry), folder, to, "latest", write_report, compressed=folder)
    assert made.notes == (releases.NO_SWAPS,)
    assert check(tmp_path / "cdn") == made.id == check(to)
    assert verify(to).faults == [] and verify(str(tmp_path / "cdn")).faults == []
    assert publish(manifest(entry), folder, to, "latest", compressed=folder).new is False


def test_a_server_that_ignores_conditions_is_said_to_be_one(
    s3: S3, bucket: str, tmp_path: Path
) -> None:
    entry = artifact(tmp_path / "a", b"one")
    s3.unconditional = True
    made = publish(manifest(entry), at(tmp_path / "a"), bucket, "latest")
    assert made.notes == (releases.NO_SWAPS,) and check(bucket) == made.id
    s3.unconditional = False
    assert publish(manifest(entry, n=2), at(tmp_path / "a"), bucket, "latest").notes == ()


def test_a_library_that_is_missing_is_named() -> None:
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from pipeline.cli.main import main\n"
        "sys.argv = ['pipeline', 'build', 'configs/mobilenet.yaml', '--set',"
        " 'publish.to=s3://models/cdn', '--store', sys.argv[1]]\n"
        "main()"
    )
    import tempfile

    with tempfile.TemporaryDirectory() as store:
        command = [sys.executable, "-c", code, store]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == MissingToolError.exit_code, ended.stderr
    assert f"run: {advice()}" in ended.stderr
    assert "✓" not in ended.stderr, "no step ran"


def test_addresses_that_nothing_can_be_published_to_are_refused() -> None:
    assert problem("artifacts/cdn") is problem("file:///srv/cdn") is problem("s3://b/c") is None
    assert "can only be read" in str(problem("https://example.com/cdn"))
    assert "did you mean s3://" in str(problem("s33://bucket"))
    with pytest.raises(ConfigError, match="can only be read"):
        open_storage("https://example.com/cdn")
