"""Writes the table of headers as hosts read it: ``_headers`` and ``nginx.conf``, beside the models.

``_headers`` is read by Netlify and by Cloudflare Pages, which joins the values of two rules that
fit one path. So a path's Cache-Control stands in one rule only: patterns where they can tell,
names where they cannot. What none names keeps the host's own, which asks again each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from pipeline.cdn.index import Models, read_index
from pipeline.storage.base import Storage
from pipeline.storage.headers import ALWAYS, IMMUTABLE, PREFLIGHT, SHORT, TYPES, UNCHANGING, UNKNOWN
from pipeline.storage.layout import (
    CLIENT,
    DEMO,
    FILES,
    FRONT,
    INDEX,
    LICENCE_FILE,
    RELEASES,
    RUNTIMES,
    page_path,
    pointer_path,
)

HEADERS, NGINX = "_headers", "nginx.conf"

#: Cloudflare's; what is over it would be ignored.
MAX_RULES = 100

#: Folders of the client that hold nothing but types.
_TYPES = ("tasks/", "inputs/")

Rule = tuple[str, Mapping[str, str]]


def update(storage: Storage) -> None:
    """Write both files, unless they are there as they should be."""
    for path, data in files(storage).items():
        content = storage.read(path)
        if content is None or content.data != data:
            storage.write(path, data)


def files(storage: Storage) -> dict[str, bytes]:
    """Path -> content of both, for what is published there."""
    versions = [name.rstrip("/") for name in storage.names(CLIENT) if _is_version(name)]
    rules = _rules(read_index(storage), versions)
    return {HEADERS: netlify(list(rules)[:MAX_RULES]).encode(), NGINX: nginx().encode()}


def _is_version(name: str) -> bool:
    return name.endswith("/") and name not in _TYPES


def _rules(models: Models, versions: list[str]) -> Iterator[Rule]:
    """Of what matters most first: there may be too many."""
    unchanging, moving = {"Cache-Control": IMMUTABLE}, {"Cache-Control": SHORT}
    yield "/*", ALWAYS
    for path in (f"/{RUNTIMES}/*", f"/:model/{FILES}/*", f"/:model/{RELEASES}/*"):
        yield path, unchanging
    for path in ("", INDEX, FRONT, "sw.js", LICENCE_FILE, f"{DEMO}/*"):
        yield f"/{path}", moving
    for name in _TYPES:
        yield f"/{CLIENT}/{name}*", {**moving, "Content-Type": TYPES[".ts"]}
    yield f"/{CLIENT}/:module", moving
    for name in ("index", "draw", "events", "inspect", "manifest", "network", "normalized", "page"):
        # More of the same path: these add a type, and no Cache-Control.
        yield f"/{CLIENT}/{name}.d.ts", {"Content-Type": TYPES[".ts"]}
    changing = [f"/{path}" for name in models for path in (f"{name}/", page_path(name))]
    changing += [
        f"/{pointer_path(name, channel)}" for name in models for channel in models[name]["channels"]
    ]
    for path in changing[: MAX_RULES // 2]:
        yield path, moving
    for version in versions:
        yield f"/{CLIENT}/{version}/*", unchanging


def netlify(rules: list[Rule]) -> str:
    """``_headers``: a path, and below it, indented, its headers."""
    lines = ["# Written by `pipeline`, anew with each release."]
    for path, values in rules:
        lines += [path, *(f"  {name}: {value}" for name, value in values.items())]
    return "\n".join(lines) + "\n"


def nginx() -> str:
    """A snippet for a ``server`` whose ``root`` is the CDN folder."""
    preflight = _indented(_added({**ALWAYS, **PREFLIGHT}), 8)
    return _NGINX.format(
        types=_types(),
        charset=" ".join(_charsets()),
        unchanging=UNCHANGING,
        immutable=_location(IMMUTABLE),
        short=_location(SHORT),
        preflight=preflight,
    )


#: ``add_header`` in a place drops those of the places around it: each has all that it needs.
#: Without ``always``, Cache-Control is on good answers only, so that no 404 lasts for a year.
_NGINX = """\
# Written by `pipeline`: how this folder is to be served. Copy it beside nginx' configuration, and
# include the copy:
#
#   load_module modules/ngx_http_brotli_static_module.so;  # of libnginx-mod-http-brotli-static
#   server {{ root /srv/cdn; include /etc/nginx/snippets/models.conf; }}

index index.html;
# The files with .br and .gz behind their names, made once with the best compression there is.
brotli_static on;
gzip_static on;
gzip_vary on;

types {{
{types}
}}
default_type application/octet-stream;
charset utf-8;
charset_types {charset};

location ~ "^/(_headers|nginx\\.conf)$|/\\.(?!well-known/)" {{ return 404; }}

location ~ "^/{unchanging}" {{
    if ($request_method = OPTIONS) {{
{preflight}
        return 204;
    }}
{immutable}
}}

location / {{
    if ($request_method = OPTIONS) {{
{preflight}
        return 204;
    }}
{short}
}}
"""


def _location(cache_control: str) -> str:
    always = _added(ALWAYS)
    return _indented([f'add_header Cache-Control "{cache_control}";', *always], 4)


def _added(values: Mapping[str, str]) -> list[str]:
    return [f'add_header {name} "{value}" always;' for name, value in values.items()]


def _indented(lines: list[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)


def _types() -> str:
    by_type: dict[str, list[str]] = {}
    for suffix, value in TYPES.items():
        by_type.setdefault(value.partition(";")[0], []).append(suffix.removeprefix("."))
    named = {kind: names for kind, names in by_type.items() if kind != UNKNOWN}
    return _indented([f"{kind} {' '.join(names)};" for kind, names in named.items()], 4)


def _charsets() -> list[str]:
    """Types that nginx is to name a charset of; of text/html it always does."""
    types = {value.partition(";")[0] for value in TYPES.values() if "charset" in value}
    return sorted(types - {"text/html"})


def hidden(path: str) -> bool:
    """Whether a file is there for hosts and publishers, and for nobody else."""
    parts = PurePosixPath(path).parts
    return path in (HEADERS, NGINX) or any(part.startswith(".") for part in parts)
