"""A published folder behind real servers: nginx with our snippet, and ``pipeline serve``."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import brotli
import httpx
import pytest
from published import artifact, at, manifest

from pipeline.cli.serve import HOST, application
from pipeline.publish.delivery.compress import write_twins
from pipeline.publish.release.hosting import MAX_RULES
from pipeline.publish.release.release import publish
from pipeline.publish.release.upload import Piece
from pipeline.storage.headers import ALWAYS, IMMUTABLE, SHORT, immutable

T = TypeVar("T")

MODULES = Path("/usr/lib/nginx/modules")
BROTLI = MODULES / "ngx_http_brotli_static_module.so"
VERSION = "client/0123456789abcdef"
TEXT = b"export const a = 1;\n" * 200

#: Ends of what publishing itself writes.
PUBLISHED = ("index.json", "latest.json", "/", "m/index.html")
#: The page of the CDN folder itself.
FRONT = "index.html"
#: Path -> what it is served as.
FILES = {
    f"{VERSION}/index.js": ("text/javascript; charset=utf-8", IMMUTABLE),
    f"{VERSION}/tasks/one/methods.d.ts": ("application/typescript; charset=utf-8", IMMUTABLE),
    "client/index.js": ("text/javascript; charset=utf-8", SHORT),
    "client/index.d.ts": ("application/typescript; charset=utf-8", SHORT),
    "client/tasks/index.d.ts": ("application/typescript; charset=utf-8", SHORT),
    "client/inputs/one/value.d.ts": ("application/typescript; charset=utf-8", SHORT),
    "demo/index.html": ("text/html; charset=utf-8", SHORT),
    "demo/icon.svg": ("image/svg+xml", SHORT),
    "demo/manifest.webmanifest": ("application/manifest+json", SHORT),
    "runtimes/aa.js": ("text/javascript; charset=utf-8", IMMUTABLE),
    "runtimes/aa.wasm": ("application/wasm", IMMUTABLE),
    "runtimes/aa.mjs": ("text/javascript; charset=utf-8", IMMUTABLE),
    "m/files/aa.onnx": ("application/octet-stream", IMMUTABLE),
    "m/files/aa.json": ("application/json", IMMUTABLE),
    "LICENSES.txt": ("text/plain; charset=utf-8", SHORT),
    "index.json": ("application/json", SHORT),
    "m/latest.json": ("application/json", SHORT),
    "": ("text/html; charset=utf-8", SHORT),
    "index.html": ("text/html; charset=utf-8", SHORT),
    "m/": ("text/html; charset=utf-8", SHORT),
    "m/index.html": ("text/html; charset=utf-8", SHORT),
    "sw.js": ("text/javascript; charset=utf-8", SHORT),
}


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release, and at the root one file of each kind, with twins."""
    folder = tmp_path_factory.mktemp("hosting")
    entry = artifact(folder / "a", b"one", b"two")
    root = folder / "root"
    made = [path for path in FILES if path not in ("", FRONT) and not path.endswith(PUBLISHED)]
    for path in made:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(TEXT)
    write_twins({path: root / path for path in made}, root)
    found = [path for path in root.rglob("*") if path.is_file()]
    pieces = [
        Piece(path.relative_to(root).as_posix(), lambda path=path: path)  # type: ignore[misc]
        for path in found
    ]
    publish(manifest(entry), at(folder / "a"), folder / "cdn", "latest", root=pieces)
    return folder / "cdn"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not answers(port):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.02)


NGINX = """
load_module {brotli};
daemon off; master_process off; pid {prefix}/pid; error_log {prefix}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {prefix}/body; proxy_temp_path {prefix}/proxy;
  fastcgi_temp_path {prefix}/fastcgi; uwsgi_temp_path {prefix}/uwsgi; scgi_temp_path {prefix}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; include {root}/nginx.conf; }}
}}
"""


@pytest.fixture(scope="module", params=["nginx", "serve"])
def served(
    request: pytest.FixtureRequest, cdn: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    port = free_port()
    if request.param == "nginx":
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if nginx is None or not BROTLI.exists():
            pytest.skip("no nginx with brotli_static; `make setup` installs it where it may")
        prefix = tmp_path_factory.mktemp("nginx")
        config = prefix / "nginx.conf"
        config.write_text(NGINX.format(brotli=BROTLI, prefix=prefix, port=port, root=cdn))
        words = [nginx, "-p", str(prefix), "-c", str(config)]
    else:
        words = [sys.executable, "-m", "pipeline.cli.main", "serve", str(cdn), "--port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        wait(port, process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            client.headers.pop("accept-encoding")
            yield client
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("path", FILES)
def test_every_class_has_its_headers(served: httpx.Client, path: str) -> None:
    answer = served.get(path, headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    kind, caching = FILES[path]
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == caching
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value], name


@pytest.mark.parametrize(
    ("accepts", "sent"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
    ],
)
def test_the_best_encoding_that_is_taken(
    served: httpx.Client, accepts: str, sent: str | None
) -> None:
    with served.stream("GET", "runtimes/aa.js", headers={"Accept-Encoding": accepts}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == sent
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == IMMUTABLE
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[sent]
    assert unpack(raw) == TEXT
    assert len(raw) < 200 or sent is None


def run(work: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: where Playwright is open, this one has a loop that runs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def test_serve_sends_no_twins_of_files_that_never_get_any(cdn: Path, tmp_path: Path) -> None:
    shutil.copytree(cdn, tmp_path / "cdn")
    (release,) = (tmp_path / "cdn").glob("m/releases/*")
    (release / "report.html").write_text("honest")
    plain = ["index.json", "m/latest.json", f"m/releases/{release.name}/report.html"]
    for path in plain:
        Path(tmp_path, "cdn", path + ".br").write_bytes(brotli.compress(b"planted"))
    answers = run(brotlied(tmp_path / "cdn", [*plain, "m/files/aa.json"]))
    for path in plain:
        assert answers[path].content == Path(tmp_path, "cdn", path).read_bytes()
        assert "content-encoding" not in answers[path].headers
    assert answers["m/files/aa.json"].headers["content-encoding"] == "br"


async def brotlied(folder: Path, paths: list[str]) -> dict[str, httpx.Response]:
    """What ``pipeline serve`` answers to a browser that takes brotli."""
    transport = httpx.ASGITransport(application(folder))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        return {path: await client.get(path, headers={"Accept-Encoding": "br"}) for path in paths}


def test_parts_of_a_file(served: httpx.Client) -> None:
    part = {"Range": "bytes=10-19", "Accept-Encoding": "identity"}
    answer = served.get("m/files/aa.onnx", headers=part)
    assert answer.status_code == 206
    assert answer.content == TEXT[10:20]
    assert answer.headers["content-range"] == f"bytes 10-19/{len(TEXT)}"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["m/files/none.bin", f"{VERSION}/none.js", "none.json"])
def test_what_is_missing_is_told_and_not_kept(served: httpx.Client, path: str) -> None:
    answer = served.get(path)
    assert answer.status_code == 404
    assert "cache-control" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*", "else a page sees no status"


def test_a_file_that_is_known_is_not_sent_again(served: httpx.Client) -> None:
    first = served.get("m/latest.json")
    again = served.get("m/latest.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == SHORT


def test_encodings_have_tags_of_their_own(served: httpx.Client) -> None:
    tags = {
        served.get("client/index.js", headers={"Accept-Encoding": one}).headers["etag"]
        for one in ("br", "gzip", "identity")
    }
    assert len(tags) == 3


@pytest.mark.parametrize("path", ["runtimes/aa.wasm", "index.json"])
def test_a_preflight_is_allowed(served: httpx.Client, path: str) -> None:
    asks = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "range"}  # fmt: skip
    answer = served.options(path, headers=asks)
    assert answer.status_code == 204
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "*"


@pytest.mark.parametrize("path", [".lock", "_headers", "nginx.conf", "..%2f..%2fetc/passwd"])
def test_what_is_nobodys_business_is_not_served(served: httpx.Client, path: str) -> None:
    assert served.get(path).status_code in (400, 404)


def test_nginx_answers_those_who_renew_certificates(served: httpx.Client, cdn: Path) -> None:
    if "nginx" not in served.get("m/latest.json").headers.get("server", ""):
        pytest.skip("`pipeline serve` has no certificate")
    challenge = cdn / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True, exist_ok=True)
    challenge.write_text("answer")
    assert served.get(".well-known/acme-challenge/token").text == "answer"


def test_serve_of_a_broken_index_says_so(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{")

    async def front() -> httpx.Response:
        transport = httpx.ASGITransport(application(tmp_path))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            return await client.get("/")

    answer = run(front())
    assert answer.status_code == 500 and "is no index" in answer.text


def test_headers_for_netlify_and_cloudflare(cdn: Path) -> None:
    rules = parse((cdn / "_headers").read_text())
    assert len(rules) <= MAX_RULES
    for path in FILES:
        fitting = [values for pattern, values in rules.items() if fits(pattern, path)]
        caching = [values["Cache-Control"] for values in fitting if "Cache-Control" in values]
        assert caching == [IMMUTABLE if immutable(path) else SHORT], path
        assert any("Access-Control-Allow-Origin" in values for values in fitting)
    assert rules["/client/index.d.ts"]["Content-Type"].startswith("application/typescript")


def parse(text: str) -> dict[str, dict[str, str]]:
    rules: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        assert len(line) <= 2000, "Cloudflare's limit"
        if line.startswith("/"):
            rules[line] = current = {}
        elif line.startswith("  "):
            name, _, value = line.strip().partition(": ")
            current[name] = value
    return rules


def fits(pattern: str, path: str) -> bool:
    """As both hosts say: ``:name`` is one part of a path, ``*`` whatever follows."""
    parts = re.sub(r":[a-z]+", "[^/]+", re.escape(pattern).replace(r"\*", ".*").replace(r"\:", ":"))
    return re.fullmatch(parts, f"/{path}") is not None


def pipeline(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipeline.cli.main", "serve", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )


def test_serve_says_where_and_ends_with_ctrl_c(cdn: Path) -> None:
    process = pipeline(cdn, "--port", 0)
    assert process.stdout
    said = process.stdout.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+/", said)
    assert url, said
    assert httpx.get(f"{url[0]}index.json").json() == json.loads((cdn / "index.json").read_text())
    rebound = httpx.get(url[0], headers={"Host": "evil.example"})
    assert rebound.status_code == 400, "another name for this machine"
    assert 'href="m/index.html"' in httpx.get(url[0]).text, "what there is"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), out


def test_serve_names_what_is_wrong(cdn: Path, tmp_path: Path) -> None:
    nothing = pipeline(tmp_path).communicate(timeout=120)[1]
    assert nothing.startswith(f"error: {tmp_path}: nothing is published there\n")
    assert "pipeline build" in nothing
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        taken = pipeline(cdn, "--port", port).communicate(timeout=120)[1]
    assert taken.startswith(f"error: port {port} is taken\n")
    assert "--port 0" in taken
