"""Downloads against a real HTTP server that does everything wrong that servers do."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import http_server
import pytest
from http_server import Site, answer, drop_after

from pipeline.base.errors import PipelineError, SourceError
from pipeline.download.address import is_web_address
from pipeline.download.fetch import fetch
from pipeline.download.remote_file import LocalFile, Patience, RemoteFile

CONTENT = hashlib.shake_128(b"weights").digest(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(
    attempts=4, backoff_seconds=0.01, longest_wait_seconds=0.3, connect_seconds=2, silence_seconds=1
)
HOW = "set source.keras_application.weights to a local file"


@pytest.fixture
def site() -> Iterator[Site]:
    with http_server.running_server() as running:
        running.put("weights.h5", CONTENT)
        yield running


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


def remote_file(site: Site, sha256: str | None = SHA256, max_bytes: int = 10**6) -> RemoteFile:
    return RemoteFile(site.url("weights.h5"), sha256, max_bytes, HOW)


def get(remote: RemoteFile, downloads: Path, patience: Patience = QUICK) -> LocalFile:
    return fetch(remote, downloads, progress=lambda done, total: None, patience=patience)


def parts(downloads: Path) -> list[Path]:
    return sorted(downloads.glob("*.part"))


def test_whole_file(site: Site, downloads: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    file = fetch(
        remote_file(site, None),
        downloads,
        progress=lambda done, total: seen.append((done, total)),
        patience=QUICK,
    )
    assert file == LocalFile(downloads / SHA256, SHA256, len(CONTENT))
    assert file.path.read_bytes() == CONTENT
    assert file.path.stat().st_mode & 0o777 == 0o444
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert parts(downloads) == []
    assert not [path for path in downloads.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_second_time_without_network(site: Site, downloads: Path, sha256: str | None) -> None:
    first = get(remote_file(site, sha256), downloads)
    site.always = answer(500)
    assert get(remote_file(site, sha256), downloads) == first
    assert len(site.requests) == 1


def test_kept_file_under_another_address(site: Site, downloads: Path) -> None:
    get(remote_file(site), downloads)
    get(replace(remote_file(site), url="https://mirror.invalid/weights.h5"), downloads)
    assert len(site.requests) == 1


def test_kept_file_that_was_damaged(site: Site, downloads: Path) -> None:
    kept = get(remote_file(site), downloads).path
    kept.chmod(0o644)
    kept.write_bytes(b"damaged")
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT
    assert len(site.requests) == 2


def test_damaged_index_costs_a_download(site: Site, downloads: Path) -> None:
    get(remote_file(site, None), downloads)
    (downloads / "index.json").write_text("{")
    assert get(remote_file(site, None), downloads).sha256 == SHA256
    assert len(site.requests) == 2


def test_resumed_after_each_break(site: Site, downloads: Path) -> None:
    site.faults = [drop_after(100_000), drop_after(50_000)]
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT
    assert [request.first_byte for request in site.requests] == [0, 100_000, 150_000]
    assert sum(request.sent_bytes for request in site.requests) == len(CONTENT)


def test_resumed_by_last_modified(site: Site, downloads: Path) -> None:
    changed = formatdate(time.time() - 3600, usegmt=True)
    site.etags = False

    def half(handler: http_server.Handler) -> None:
        handler.start(200, Content_Length=len(CONTENT), Last_Modified=changed)
        handler.body(CONTENT[:150_000])
        handler.drop()

    def rest(handler: http_server.Handler) -> None:
        assert handler.request_seen.headers["if-range"] == changed
        http_server.ignore_if_range(handler)

    site.faults = [half, rest]
    assert get(remote_file(site), downloads).sha256 == SHA256
    assert [request.first_byte for request in site.requests] == [0, 150_000]


def test_never_resumed_without_validator(site: Site, downloads: Path) -> None:
    site.etags = False
    site.faults = [drop_after(100_000)]
    assert get(remote_file(site), downloads).sha256 == SHA256
    assert [request.first_byte for request in site.requests] == [0, 0]


def test_resumed_by_the_next_call(site: Site, downloads: Path) -> None:
    site.faults = [drop_after(100_000)]
    with pytest.raises(SourceError):
        get(remote_file(site), downloads, replace(QUICK, attempts=1))
    assert [part.stat().st_size for part in parts(downloads)] == [100_000]
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT
    assert site.requests[1].first_byte == 100_000


def test_range_ignored(site: Site, downloads: Path) -> None:
    site.faults = [drop_after(100_000), http_server.ignore_range]
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT


@pytest.mark.parametrize("again", [http_server.serve, http_server.ignore_if_range])
def test_changed_between_break_and_resume(
    site: Site, downloads: Path, again: http_server.Fault
) -> None:
    changed = hashlib.shake_128(b"new weights").digest(len(CONTENT))

    def change(handler: http_server.Handler) -> None:
        site.put("weights.h5", changed)
        again(handler)

    site.faults = [drop_after(100_000), change]
    assert get(remote_file(site, None), downloads).path.read_bytes() == changed
    assert site.requests[1].first_byte == 100_000


def test_range_beyond_the_end(site: Site, downloads: Path) -> None:
    site.faults = [drop_after(100_000), answer(416)]
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT
    assert [request.first_byte for request in site.requests] == [0, 100_000, 0]


def test_complete_part_is_not_downloaded_again(site: Site, downloads: Path) -> None:
    site.faults = [drop_after(len(CONTENT) - 1)]
    with pytest.raises(SourceError):
        get(remote_file(site), downloads, replace(QUICK, attempts=1))
    with parts(downloads)[0].open("ab") as part:
        part.write(CONTENT[-1:])  # as if killed just before the rename
    assert get(remote_file(site), downloads).sha256 == SHA256
    assert len(site.requests) == 1


def test_truncated_with_a_wrong_length(site: Site, downloads: Path) -> None:
    site.faults = [http_server.cut_short]
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT
    assert len(site.requests) == 2


def test_chunked(site: Site, downloads: Path) -> None:
    site.faults = [http_server.chunked]
    assert get(remote_file(site, None), downloads).sha256 == SHA256


def test_unknown_length_needs_a_digest(site: Site, downloads: Path) -> None:
    site.faults = [http_server.without_length, http_server.without_length]
    with pytest.raises(SourceError, match="does not say how long it is, so it may be cut short"):
        get(remote_file(site, None), downloads)
    assert get(remote_file(site), downloads).sha256 == SHA256


def test_wrong_bytes(site: Site, downloads: Path) -> None:
    site.put("weights.h5", b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    remote = replace(remote_file(site), sha256_from="configs/mobilenet.lock")
    with pytest.raises(SourceError) as caught:
        get(remote, downloads)
    assert str(caught.value) == (
        f"{site.url('weights.h5')}: the downloaded file has sha256 {found}, "
        f"expected {SHA256} (written in configs/mobilenet.lock)\n"
        "  if the new file is to be trusted, write its digest there; "
        f"otherwise {HOW}"
    )
    assert len(site.requests) == 2
    assert parts(downloads) == []
    assert not (downloads / found).exists()


def test_wrong_bytes_once(site: Site, downloads: Path) -> None:
    site.faults = [answer(200, b"a captive portal")]
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT


def test_damaged_part_is_started_again(site: Site, downloads: Path) -> None:
    site.faults = [drop_after(100_000)]
    with pytest.raises(SourceError):
        get(remote_file(site), downloads, replace(QUICK, attempts=1))
    with parts(downloads)[0].open("r+b") as part:
        part.write(b"damaged")
    assert get(remote_file(site), downloads).path.read_bytes() == CONTENT
    assert [request.first_byte for request in site.requests] == [0, 100_000, 0]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_refused_is_not_retried(site: Site, downloads: Path, status: int) -> None:
    site.always = answer(status)
    with pytest.raises(SourceError, match=f"could not download it: HTTP {status}") as caught:
        get(remote_file(site), downloads)
    assert caught.value.exit_code == 4
    assert caught.value.todo == HOW
    assert len(site.requests) == 1


def test_503_then_well(site: Site, downloads: Path) -> None:
    site.faults = [answer(503), http_server.drop_at_once, answer(500)]
    assert get(remote_file(site), downloads).sha256 == SHA256
    assert len(site.requests) == 4


def test_503_for_ever(site: Site, downloads: Path) -> None:
    site.always = answer(503)
    with pytest.raises(SourceError) as caught:
        get(remote_file(site), downloads)
    assert str(caught.value) == (
        f"{site.url('weights.h5')}: could not download it: "
        f"4 attempts failed, the last one with: HTTP 503\n  {HOW}"
    )
    assert len(site.requests) == 4


@pytest.mark.parametrize(
    "value",
    ["1", formatdate(time.time() + 10**6, usegmt=True), "999999999999"],
    ids=["a second", "a date", "for ever"],
)
def test_retry_after_is_kept_within_bounds(site: Site, downloads: Path, value: str) -> None:
    site.faults = [answer(429, Retry_After=value)]
    begin = time.monotonic()
    assert get(remote_file(site), downloads).sha256 == SHA256
    assert QUICK.longest_wait_seconds <= time.monotonic() - begin < 60


def test_silent_server(site: Site, downloads: Path) -> None:
    def silence(handler: http_server.Handler) -> None:
        handler.start(200, Content_Length=len(CONTENT), **handler.etag(CONTENT))
        handler.body(CONTENT[:1000])
        handler.wfile.flush()
        time.sleep(1.5)

    site.faults = [silence]
    assert get(remote_file(site), downloads).sha256 == SHA256
    assert site.requests[1].first_byte == 1000


def test_nobody_answers(downloads: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    remote = RemoteFile(f"http://user:secret@127.0.0.1:{port}/w.h5?token=secret", None, 10, HOW)
    with pytest.raises(SourceError) as caught:
        get(remote, downloads)
    assert str(caught.value) == (
        f"http://127.0.0.1:{port}/w.h5: could not download it: 4 attempts failed, "
        f"the last one with: [Errno 111] Connection refused\n  {HOW}"
    )


def test_larger_than_allowed_as_declared(site: Site, downloads: Path) -> None:
    with pytest.raises(SourceError, match="it is larger than the 1,000 bytes allowed"):
        get(remote_file(site, max_bytes=1000), downloads)
    assert len(site.requests) == 1
    assert parts(downloads) == []


def test_larger_than_allowed_as_received(site: Site, downloads: Path) -> None:
    site.always = http_server.endless
    with pytest.raises(SourceError, match="it is larger than the 1,000,000 bytes allowed"):
        get(remote_file(site), downloads)
    assert len(site.requests) == 1
    assert parts(downloads) == []


def test_redirects_are_followed_within_bounds(site: Site, downloads: Path) -> None:
    moved = answer(302, Location=site.url("weights.h5"))
    site.faults = [moved, moved]
    assert get(remote_file(site), downloads).sha256 == SHA256
    site.always = moved
    with pytest.raises(SourceError, match="Exceeded maximum allowed redirects"):
        get(replace(remote_file(site), sha256="0" * 64), downloads)


def test_redirect_to_a_file(site: Site, downloads: Path) -> None:
    site.always = answer(302, Location="file:///etc/passwd")
    with pytest.raises(SourceError, match="could not download it: "):
        get(remote_file(site), downloads)
    assert len(site.requests) == 1


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "x.h5", "http://[::1/x"])
def test_only_http(downloads: Path, url: str) -> None:
    assert not is_web_address(url)
    with pytest.raises(SourceError, match="this is not an http or https address"):
        get(RemoteFile(url, None, 10, HOW), downloads)


def test_folder_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PipelineError, match="could not write the download") as caught:
        get(remote_file(site), tmp_path / "file" / "downloads")
    assert caught.value.exit_code == 1
    assert site.requests == []


SCRIPT = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from pipeline.download.fetch import Patience, RemoteFile, fetch

    url, sha256, downloads = sys.argv[1:]
    patience = Patience(attempts=2, backoff_seconds=0.01, silence_seconds=60)
    def progress(done, total):
        print(done, flush=True)
    fetch(RemoteFile(url, sha256, 10**6, "go local"), Path(downloads),
          progress=progress, patience=patience)
    """
)


def start(site: Site, downloads: Path, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, site.url("weights.h5"), SHA256, str(downloads)]
    return subprocess.Popen(command, text=True, stdout=-1, stderr=-1, **options)  # type: ignore[call-overload,no-any-return]


def test_full_disk_keeps_the_part(site: Site, downloads: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (131_072, 131_072))

    process = start(site, downloads, preexec_fn=limit)
    _, errors = process.communicate(timeout=300)
    assert "PipelineError: " in errors
    assert "could not write the download (File too large)" in errors
    assert "run again: it goes on where it was" in errors
    assert [part.stat().st_size for part in parts(downloads)] == [131_072]
    assert get(remote_file(site), downloads).sha256 == SHA256
    assert site.requests[-1].first_byte == 131_072


def test_resumed_after_kill_9(site: Site, downloads: Path) -> None:
    def stall(handler: http_server.Handler) -> None:
        handler.start(200, Content_Length=len(CONTENT), **handler.etag(CONTENT))
        handler.body(CONTENT[:200_000])
        time.sleep(60)  # which nobody waits for

    site.faults = [stall]
    process = start(site, downloads)
    assert process.stdout is not None
    assert any(line == "200000\n" for line in process.stdout)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    (part,) = parts(downloads)
    kept = part.stat().st_size
    # What stood in the process's own write buffer is lost with it, no more.
    assert 200_000 - 8192 * 2 < kept <= 200_000

    process = start(site, downloads)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert (downloads / SHA256).read_bytes() == CONTENT
    assert site.requests[1].first_byte == kept
    assert site.requests[1].sent_bytes == len(CONTENT) - kept


def test_two_processes_at_once_download_once(site: Site, downloads: Path) -> None:
    def slow(handler: http_server.Handler) -> None:
        time.sleep(0.5)
        http_server.serve(handler)

    site.always = slow
    processes = [start(site, downloads) for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    assert (downloads / SHA256).read_bytes() == CONTENT
    assert len(site.requests) == 1
    index = json.loads((downloads / "index.json").read_text())
    assert [entry["sha256"] for entry in index.values()] == [SHA256]


def test_no_secret_is_kept(site: Site, downloads: Path) -> None:
    remote = replace(remote_file(site), url=site.url("weights.h5?token=secret"))
    get(remote, downloads)
    texts = [p.read_bytes() for p in downloads.iterdir() if p.name != SHA256]
    assert not any(b"secret" in text for text in texts)
