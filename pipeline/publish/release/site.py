"""The CDN folder's own pages: ``/`` lists models, ``/<model>/`` its channels and releases.

Plain files that need no script, made of the index and of the manifests that channels point to, and
of nothing else: the same folder gives the same bytes. They change as the index does, and after it.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.digest import integrity
from pipeline.base.errors import PipelineError
from pipeline.publish.release import index
from pipeline.publish.release.channel import manifest_path
from pipeline.storage.base import Readable, Storage
from pipeline.storage.layout import DEMO, NAME, TWINS

if TYPE_CHECKING:
    from jinja2 import Environment

FRONT = "index.html"
TEMPLATES = Path(__file__).parent / "templates"
RELEASE = re.compile(r"[0-9a-f]{16}")

#: Each time that a swap is lost, another publisher got its own done.
ATTEMPTS = 50

Models = Mapping[str, Mapping[str, Any]]


def path_of(name: str) -> str:
    """Where a model's page lies."""
    return f"{name}/{FRONT}"


def update(storage: Storage, name: str) -> None:
    """Bring the pages to show what the index says of a model; call it after the index' own.

    A page that has to be listed is there before ``/`` lists it. The index is read after the page
    that is to be swapped: whoever changes the index last also writes the page last.
    """
    models = _safe(index.read(storage))
    there = storage.sizes([path_of(model) for model in models])
    for model in models:
        if model == name or path_of(model) not in there:
            _bring(storage, path_of(model), partial(model_page, storage, model))
    _bring(storage, FRONT, partial(root_page, storage))


def are_there(storage: Storage, name: str) -> bool:
    """Whether both pages that show a model are."""
    return len(storage.sizes([FRONT, path_of(name)])) == 2


def _bring(storage: Storage, path: str, render: Callable[[], bytes]) -> None:
    # Servers would send these in its place: an older pipeline made them.
    storage.remove(list(storage.sizes([path + suffix for suffix in TWINS])))
    for _ in range(ATTEMPTS):
        before = storage.read(path)
        data = render()
        if (before is not None and before.data == data) or storage.swap(path, data, before):
            return
    raise PipelineError(
        "others keep changing this page",
        where=f"{storage.where}/{path}",
        todo="everything is published; the same command again brings the page up to date",
    )


def root_page(storage: Readable) -> bytes:
    """``/``: each model with what it is, and where to go from there."""
    models = _safe(index.read(storage))
    listed = [_summary(name, model) for name, model in models.items()]
    return _rendered("root.html", root="./", models=listed, demo=DEMO)


def _summary(name: str, model: Mapping[str, Any]) -> dict[str, Any]:
    channel = index.shown_channel(model["channels"])
    reports = {one["release"]: "report" in one for one in model["releases"]}
    release = model["channels"].get(channel)
    report = f"{name}/releases/{release}/report.html" if reports.get(release) else None
    return {
        "name": name,
        "about": model.get("about", {}),
        "channel": channel,
        "report": report,
        "releases": len(model["releases"]),
    }


def model_page(storage: Readable, name: str) -> bytes:
    """``/<model>/``: channels, all artifacts of the releases that they point to, older ones."""
    model = _safe(index.read(storage)).get(name, {"channels": {}, "releases": []})
    channels = model["channels"]
    dates = {one["release"]: one for one in model["releases"]}
    pointed = {release: _release(storage, name, release) for release in channels.values()}
    shown = index.shown_channel(channels)
    return _rendered(
        "model.html",
        root="../",
        name=name,
        about=model.get("about", {}),
        demo=DEMO,
        channels=[(channel, dates.get(release)) for channel, release in channels.items()],
        shown=shown,
        pinned=pointed.get(channels.get(shown, "")),
        pointed=[one for one in pointed.values() if one],
        releases=list(reversed(model["releases"])),
    )


def _release(storage: Readable, name: str, release: str) -> dict[str, Any] | None:
    """What a page shows of a release; ``None`` for what is no manifest: ``verify`` tells that."""
    content = storage.read(f"{name}/{manifest_path(release)}")
    if content is None:
        return None
    try:
        manifest = json.loads(content.data)
        artifacts = [_artifact(one) for one in manifest["artifacts"]]
    except index.BROKEN:
        return None
    return {"release": release, "integrity": integrity(content.data), "artifacts": artifacts}


def _artifact(artifact: Mapping[str, Any]) -> dict[str, Any]:
    passed: dict[str, list[str]] = {}
    for proof in artifact.get("validation", []):
        if proof["status"] == "pass":
            passed.setdefault(proof["backend"], []).append(proof.get("engine") or "")
    return {
        "id": artifact["id"],
        "wire": index.wire_bytes(artifact),
        "bytes": sum(file["bytes"] for file in artifact["files"]),
        "accuracy": (artifact.get("accuracy") or {}).get("value"),
        "passed": [
            (backend, [one for one in engines if one]) for backend, engines in passed.items()
        ],
    }


def _safe(models: Models) -> dict[str, Mapping[str, Any]]:
    """Models whose names, channels and releases lead nowhere else."""

    def is_safe(name: str, model: Mapping[str, Any]) -> bool:
        releases = [*model["channels"].values(), *(one["release"] for one in model["releases"])]
        return all(re.fullmatch(NAME, one) for one in (name, *model["channels"])) and all(
            RELEASE.fullmatch(one) for one in releases
        )

    return {name: model for name, model in models.items() if is_safe(name, model)}


def _rendered(template: str, **values: Any) -> bytes:
    environment = _environment()
    values |= {"style": _text("page.css"), "script": _text("copy.js")}
    values |= {"hashes": {key: integrity(values[key].encode()) for key in ("style", "script")}}
    return environment.get_template(template).render(values).encode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"size": _size, "percent": _percent, "date": _date}
    return environment


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text()


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"


def _date(created: str) -> str:
    """``2026-11-29T22:56:38+00:00`` -> ``2026-11-29 22:56 UTC``; anything else as it is."""
    whole = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\+00:00", created)
    return f"{whole[1]} {whole[2]} UTC" if whole else created


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB"


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value]


def links(page: bytes, path: str) -> set[str]:
    """The files of the CDN folder that a page leads to; ``path`` is its own."""
    parser = _Links()
    parser.feed(page.decode(errors="replace"))
    found = {re.split(r"[?#]", link)[0] for link in parser.found}
    here = {link for link in found if link and ":" not in link and not link.endswith("/")}
    return {posixpath.normpath(f"{posixpath.dirname(path)}/{link}").lstrip("/") for link in here}
