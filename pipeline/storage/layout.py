"""What lies where in a CDN folder, and the nodes of a plan that make it.

Imports nothing: a build with nothing to do looks here for what has to be there.
"""

from __future__ import annotations

#: Every model, its channels and releases; and the page that shows them, as each model has one.
INDEX, FRONT = "index.json", "index.html"

#: What a release's folder is about, and what of it a page needs, beside it.
MANIFEST, PAGE = "manifest.json", "page.json"
#: What people read of it, and the same as Markdown and for machines.
REPORT, REPORT_MARKDOWN, REPORT_DATA = "report.html", "report.md", "report.json"

#: The folders of a model: of its releases, and of what they are made of, named by digests.
RELEASES, FILES = "releases", "files"

#: What models and channels are called, and releases: names that lead nowhere else.
NAME, RELEASE = r"[a-z0-9][a-z0-9._-]{0,63}", r"[0-9a-f]{16}"

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
RESERVED = frozenset((RUNTIMES, CLIENT, DEMO, RELEASES, FILES, FRONT, "sw.js", "nginx.conf"))


def pointer_path(model: str, channel: str) -> str:
    """Where a channel's pointer lies."""
    return f"{model}/{channel}.json"


def page_path(model: str) -> str:
    """Where the page of a model lies."""
    return f"{model}/{FRONT}"


def release_path(release: str, name: str = MANIFEST) -> str:
    """Where a file of a release lies, in its model's folder."""
    return f"{RELEASES}/{release}/{name}"


def release_and_name(path: str) -> tuple[str, str] | None:
    """The release whose folder a file lies in, and its path there; by its path in its model's."""
    head, _, rest = path.partition("/")
    release, _, name = rest.partition("/")
    return (release, name) if head == RELEASES and name else None


def plain(path: str) -> str:
    """The file that a compressed twin is of; any other file itself."""
    stem, dot, suffix = path.rpartition(".")
    return stem if dot + suffix in TWINS else path


def is_twin(path: str) -> bool:
    """Whether a file is the compressed twin of another one."""
    return plain(path) != path


def runtime_node(name: str, *, asset: bool = False) -> str:
    """The node that bundles a runtime, or keeps what it starts, which layers models share."""
    return f"assets {name.removesuffix(LAYERS)}" if asset else f"runtime {name}"
