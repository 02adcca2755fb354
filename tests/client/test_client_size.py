"""What a page pays for the client, before any runtime or model."""

from __future__ import annotations

from client_release import Release

#: Bytes after brotli: the client and its largest task. Raise it only for what is worth it.
MOST = 9_700


def test_the_client_stays_small(published: Release) -> None:
    folder = published.cdn / "client"
    tasks = [path.stat().st_size for path in folder.glob("tasks/*.js.br")]
    assert tasks and (folder / "index.js.br").stat().st_size + max(tasks) < MOST
