"""The local server: a real one, asked over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pipeline.backends.web.packages import SHARED
from pipeline.backends.web.server import Access, PageServer


@pytest.fixture
def server() -> Iterator[PageServer]:
    server = PageServer()
    yield server
    server.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "artifact"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "a.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def raw_get(server: PageServer, path: str) -> bytes:
    """A request whose path no client has tidied up."""
    with socket.create_connection(server.host.split(":")) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_page_is_isolated_and_never_cached(server: PageServer) -> None:
    response = httpx.get(f"{server.url}/page/index.html")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert response.headers["cross-origin-embedder-policy"] == "require-corp"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert response.headers["cache-control"] == "no-store"


def test_webassembly_has_the_type_that_streaming_compilation_asks_for(server: PageServer) -> None:
    path = "node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"
    response = httpx.get(f"{server.url}/{path}")
    assert response.headers["content-type"] == "application/wasm"
    assert response.content.startswith(b"\0asm")


def test_mounted_folder_is_served_until_it_is_unmounted(server: PageServer, folder: Path) -> None:
    url = server.mount(folder)
    assert httpx.get(f"{url}files/a.json").json() == {}
    server.unmount(url)
    assert httpx.get(f"{url}files/a.json").status_code == 404


def test_links_in_a_mounted_folder_are_followed(server: PageServer, folder: Path) -> None:
    # The store's folders are made of links to its objects.
    (folder / "files" / "b.json").symlink_to(folder / "files" / "a.json")
    assert httpx.get(f"{server.mount(folder)}files/b.json").json() == {}


def test_two_mounts_of_one_folder_cannot_be_guessed(server: PageServer, folder: Path) -> None:
    first, second = server.mount(folder), server.mount(folder)
    assert first != second
    assert len(first.rstrip("/").rsplit("/", 1)[1]) >= 20


@pytest.mark.parametrize(
    "rest",
    [
        "../secret.txt",
        "files/../../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "%2e%2e%2fsecret.txt",
        "..%5csecret.txt",
        "/etc/passwd",
        "%2fetc/passwd",
        "files/a.json%00.txt",
        "files",
        "",
    ],
)
def test_nothing_outside_a_mounted_folder_is_served(
    server: PageServer, folder: Path, rest: str
) -> None:
    prefix = server.mount(folder).removeprefix(server.url)
    answer = raw_get(server, prefix + rest)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"secret" not in answer.split(b"\r\n\r\n", 1)[1].replace(b"secret.txt", b"")


@pytest.mark.parametrize("name", ["server.py", "package.json", ".npmrc", "node_modules/x.js"])
def test_only_the_page_itself_is_served_as_page(server: PageServer, name: str) -> None:
    assert httpx.get(f"{server.url}/page/{name}").status_code == 404


def test_of_the_client_only_what_is_shared_is_served(server: PageServer) -> None:
    for name in SHARED:
        assert httpx.get(f"{server.url}/page/client/{name}").status_code == 200
    for name in ("index.js", "runtimes/tfjs-wasm.js", "../serve.py"):
        assert raw_get(server, f"/page/client/{name}").startswith(b"HTTP/1.1 404 ")


def test_missing_file_is_named_and_logged(server: PageServer, folder: Path) -> None:
    url = server.mount(folder)
    response = httpx.get(f"{url}files/gone.bin")
    path = f"{url.removeprefix(server.url)}files/gone.bin"
    assert response.text == f"{path} is not here"
    assert server.failures(url) == [Access("GET", path, 404, len(response.content))]
    assert server.sent_bytes(url) == 0


def test_other_host_names_are_refused(server: PageServer) -> None:
    headers = {"Host": "attacker.example"}
    assert httpx.get(f"{server.url}/page/index.html", headers=headers).status_code == 403
    assert httpx.post(server.expect(), headers=headers).status_code == 403


def test_offer_is_served_until_it_is_withdrawn(server: PageServer) -> None:
    url = server.offer(b"\0\1")
    assert httpx.get(url).content == b"\0\1"
    server.withdraw(url)
    assert httpx.get(url).status_code == 404


def test_an_answer_is_taken_once_and_only_where_it_is_expected(server: PageServer) -> None:
    url = server.expect()
    assert httpx.post(url, content=b"first").status_code == 200
    assert httpx.post(url, content=b"second").status_code == 404
    answer = server.take(url)
    assert answer is not None and answer.content == b"first"
    assert httpx.post(url, content=b"late").status_code == 404
    assert httpx.post(f"{server.url}/unknown", content=b"x").status_code == 404


def test_nobody_answers_after_close() -> None:
    server = PageServer()
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
