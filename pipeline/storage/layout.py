"""What lies where in a CDN folder, and the nodes of a plan that make it.

Imports nothing: a build with nothing to do looks here for what has to be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What a release's folder is about.
MANIFEST = "manifest.json"
#: What of it a page needs, beside it.
PAGE = "page.json"

#: What models and channels are called: names that lead nowhere else.
NAME = r"[a-z0-9][a-z0-9._-]{0,63}"

#: Suffix of a compressed twin -> its size in a manifest; ``None`` there if it was not worth it.
TWINS = {".br": "br_bytes", ".gz": "gz_bytes"}

#: Cloudflare Pages takes no larger file (https://developers.cloudflare.com/pages/platform/limits/).
MOST_FILE_BYTES = 25 * 2**20

#: Runtimes, below the CDN folder.
RUNTIMES = "runtimes"
#: The node of their licences, and its file.
LICENCES, LICENCE_FILE = "runtime licences", "LICENSES.txt"
#: A layers model needs code of its own, which graph models can do without.
LAYERS = "-layers"

#: The nodes of the client and of the demo page, and their folders.
CLIENT, DEMO = "client", "demo"

#: Names in the CDN folder's root that are no model's: also of what lies there as a file.
RESERVED = frozenset(
    (RUNTIMES, CLIENT, DEMO, "releases", "files", "index.html", "sw.js", "nginx.conf")
)


def plain(path: str) -> str:
    """The file that a compressed twin is of; any other file itself."""
    stem, dot, suffix = path.rpartition(".")
    return stem if dot + suffix in TWINS else path


def is_twin(path: str) -> bool:
    """Whether a file is the compressed twin of another one."""
    return plain(path) != path


def suffixes(file: Mapping[str, Any]) -> list[str]:
    """Of the compressed twins of a file, as a manifest lists it."""
    return [suffix for suffix, key in TWINS.items() if file.get(key) is not None]


def runtime_node(name: str, *, asset: bool = False) -> str:
    """The node that bundles a runtime, or keeps what it starts, which layers models share."""
    return f"assets {name.removesuffix(LAYERS)}" if asset else f"runtime {name}"
