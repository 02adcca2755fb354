"""The CDN folder's own pages: ``/`` lists models, ``/<model>/`` its channels and releases.

Plain files that need no script, made of the index and of the manifests that channels point to, and
of nothing else: the same folder gives the same bytes. They change as the index does, and after it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.digest import integrity
from pipeline.base.errors import PipelineError
from pipeline.cdn.index import ModelEntry, ReleaseSummary, read_index, shown_channel
from pipeline.cdn.tree import Release
from pipeline.manifest.parse import parse_manifest
from pipeline.measures import words
from pipeline.publish.release import index
from pipeline.storage.base import Readable, Storage
from pipeline.storage.layout import DEMO, FRONT, REPORT, TWINS, page_path, release_path

if TYPE_CHECKING:
    from jinja2 import Environment

    from pipeline.manifest.artifact import Artifact

TEMPLATES = Path(__file__).parent / "templates"

#: Each time that a swap is lost, another publisher got its own done.
ATTEMPTS = 50


def update(storage: Storage, name: str) -> None:
    """Bring the pages to show what the index says of a model; call it after the index' own.

    A page that has to be listed is there before ``/`` lists it. The index is read after the page
    that is to be swapped: whoever changes the index last also writes the page last.
    """
    models = read_index(storage)
    there = storage.sizes([page_path(model) for model in models])
    for model in models:
        if model == name or page_path(model) not in there:
            _bring(storage, page_path(model), partial(model_page, storage, model))
    _bring(storage, FRONT, partial(root_page, storage))


def are_there(storage: Storage, name: str) -> bool:
    """Whether both pages that show a model are."""
    return len(storage.sizes([FRONT, page_path(name)])) == 2


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
    listed = [_summary(name, model) for name, model in read_index(storage).items()]
    return _render("root.html", root="./", models=listed, demo=DEMO)


def _summary(name: str, model: ModelEntry) -> dict[str, Any]:
    channel = shown_channel(model["channels"])
    release = model["channels"].get(channel or "")
    reported = [release["release"] for release in model["releases"] if "report" in release]
    report = f"{name}/{release_path(release, REPORT)}" if release in reported else None
    return {
        "name": name,
        "about": model.get("about", {}),
        "channel": channel,
        "report": report,
        "releases": len(model["releases"]),
    }


def model_page(storage: Readable, name: str) -> bytes:
    """``/<model>/``: channels, all artifacts of the releases that they point to, older ones."""
    model = read_index(storage).get(name) or ModelEntry(channels={}, releases=[])
    channels = model["channels"]
    dates = {release["release"]: release for release in model["releases"]}
    pointed = {id_: _release(Release(storage, name, id_)) for id_ in channels.values()}
    shown = shown_channel(channels)
    return _render(
        "model.html",
        root="../",
        name=name,
        about=model.get("about", {}),
        asked=_call_example(model.get("about")),
        demo=DEMO,
        channels=[(channel, dates.get(release)) for channel, release in channels.items()],
        shown=shown,
        pinned=pointed.get(channels.get(shown or "", "")),
        pointed=[release for release in pointed.values() if release],
        releases=list(reversed(model["releases"])),
    )


def _call_example(about: ReleaseSummary | None) -> str:
    """How a page asks the model; of a task that only another version of this package has, the
    plain way."""
    from pipeline.tasks.find import tasks

    task = tasks().get(about.get("task") or "") if about else None
    return (task and task.example) or "const outputs = await model.predict(tensors);"


def _release(release: Release) -> dict[str, Any] | None:
    """What a page shows of a release; ``None`` for what is no manifest: ``verify`` tells that."""
    try:
        if (raw := release.raw_manifest()) is None:
            return None
        manifest = parse_manifest(raw)
        artifacts = [_artifact(artifact) for artifact in manifest["artifacts"]]
        accuracy = manifest.get("accuracy")
        metric = words.metric(accuracy["metric"]) if accuracy else ""
    except index.BROKEN:
        return None
    facts = {"release": release.id, "integrity": integrity(raw), "metric": metric}
    return {**facts, "artifacts": artifacts}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    passed: dict[str, list[str]] = {}
    for proof in artifact.get("validation", []):
        if proof["status"] == "pass":
            passed.setdefault(proof["backend"], []).append(proof.get("engine") or "")
    return {
        "id": artifact["id"],
        "wire": index.wire_bytes(artifact),
        "bytes": sum(file["bytes"] for file in artifact["files"]),
        "score": words.score(artifact.get("accuracy")),
        "passed": [
            (backend, [engine for engine in engines if engine])
            for backend, engines in passed.items()
        ],
    }


def _render(template: str, **values: Any) -> bytes:
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
    environment.filters |= {"size": _size, "score": _score, "date": _date}
    return environment


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text()


def _score(about: ReleaseSummary) -> str:
    """``accuracy 98.89% on test samples``; empty where no number says so."""
    metric, value = about.get("metric"), about.get("accuracy")
    if not isinstance(metric, str) or not isinstance(value, int | float):
        return ""
    return f"{words.metric(metric)} {words.value_of(metric, value)} on test samples"


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
    addresses = {re.split(r"[?#]", link)[0] for link in parser.found}
    here = {link for link in addresses if link and ":" not in link and not link.endswith("/")}
    return {posixpath.normpath(f"{posixpath.dirname(path)}/{link}").lstrip("/") for link in here}
