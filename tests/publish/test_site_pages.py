"""``/`` and ``/<model>/``: they list what is there, lead to nothing else, and never fall behind."""

from __future__ import annotations

import base64
import html
import json
import threading
from pathlib import Path

import brotli
from published import artifact, at, manifest

from pipeline.cdn.index import read_index
from pipeline.publish.release import site
from pipeline.publish.release.release import PublishedRelease, publish
from pipeline.publish.upkeep.clean import clean
from pipeline.publish.upkeep.copy import copy, source
from pipeline.publish.upkeep.rollback import rollback
from pipeline.publish.upkeep.verify.run import verify
from pipeline.storage import open_storage

KNOWN = {
    "description": "Reads <b>digits</b> & more",
    "license": "Apache-2.0",
    "accuracy": {"metric": "top1_accuracy", "value": 0.9889},
}


def proof(status: str, backend: str, engine: str | None) -> dict[str, object]:
    target = f"{backend}@{engine}" if engine else backend
    return {"target": target, "status": status, "backend": backend, "engine": engine}


def published(folder: Path, to: Path, content: bytes = b"one", **more: object) -> PublishedRelease:
    entry = artifact(folder, content)
    entry["validation"] = [
        proof("pass", "tfjs-wasm", "chromium"),
        proof("pass", "tfjs-wasm", "firefox"),
        proof("fail", "tfjs-webgl", "chromium"),
        proof("pass", "onnxruntime-cpu", None),
    ]
    return publish(manifest(entry, **KNOWN, **more), at(folder), str(to), "latest")


def test_they_list_models_channels_releases_and_artifacts(tmp_path: Path) -> None:
    release = published(tmp_path / "a", tmp_path / "cdn")
    front, page = ((tmp_path / "cdn" / path).read_text() for path in ("index.html", "m/index.html"))
    assert "Reads &lt;b&gt;digits&lt;/b&gt; &amp; more" in front, "what a config says is no markup"
    assert "licence Apache-2.0" in front and "accuracy 98.89% on test samples" in front
    assert 'href="m/index.html"' in front and "demo" not in front, "no demo was published"
    assert "tfjs-wasm (chromium, firefox), onnxruntime-cpu" in page and "webgl" not in page
    pointer = json.loads((tmp_path / "cdn" / "m" / "latest.json").read_text())
    assert f"releases/{release.id}/manifest.json" in page
    pin = base64.b64encode(bytes.fromhex(pointer["sha256"])).decode()
    assert f'integrity: "sha256-{html.escape(pin)}"' in page, "the snippet pins the manifest"
    assert verify(str(tmp_path / "cdn")).faults == []


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    published(tmp_path / "a", tmp_path / "cdn")
    storage = open_storage(tmp_path / "cdn")
    for path, made in (("index.html", site.root_page(storage)),
                       ("m/index.html", site.model_page(storage, "m"))):  # fmt: skip
        assert (tmp_path / "cdn" / path).read_bytes() == made


def test_they_follow_rollbacks_copies_and_clean_ups(tmp_path: Path) -> None:
    cdn = tmp_path / "cdn"
    first, second = (published(tmp_path / name, cdn, name.encode()) for name in ("a", "b"))
    page = cdn / "m" / "index.html"
    assert f"Artifacts of release {second.id}" in page.read_text()
    rollback("m", first.id, "latest", str(cdn))
    assert f"Artifacts of release {first.id}" in page.read_text()
    copy(source(str(cdn)), open_storage(tmp_path / "copy"))
    assert (tmp_path / "copy" / "m" / "index.html").read_text() == page.read_text()
    assert (tmp_path / "copy" / "index.html").read_text() == (cdn / "index.html").read_text()
    older, newer = (one["release"] for one in read_index(open_storage(cdn))["m"]["releases"])
    rollback("m", newer, "latest", str(cdn))
    clean(str(cdn), 1, 0, really=True)
    assert older not in page.read_text() and newer in page.read_text()
    assert verify(str(cdn)).faults == []


def test_a_page_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    release = published(tmp_path / "a", tmp_path / "cdn")
    page = tmp_path / "cdn" / "m" / "index.html"
    page.write_text(page.read_text().replace(release.id, "0123456789abcdef"))
    faults = [str(fault) for fault in verify(str(tmp_path / "cdn")).faults]
    assert any("m/index.html" in fault and "which is missing" in fault for fault in faults)


def test_what_an_older_pipeline_left_is_mended(tmp_path: Path) -> None:
    """Its front page led to the demo, and servers send compressed files in a page's place."""
    cdn = tmp_path / "cdn"
    published(tmp_path / "a", cdn)
    (cdn / "index.html").write_text("old")
    (cdn / "index.html.br").write_bytes(brotli.compress(b"old"))
    (cdn / "m" / "index.html").unlink()
    again = published(tmp_path / "a", cdn)
    assert again.copied == 0
    assert not (cdn / "index.html.br").exists()
    assert 'href="m/index.html"' in (cdn / "index.html").read_text()
    assert "Artifacts of release" in (cdn / "m" / "index.html").read_text()


def test_names_from_elsewhere_lead_nowhere(tmp_path: Path) -> None:
    cdn = tmp_path / "cdn"
    published(tmp_path / "a", cdn)
    listed = json.loads((cdn / "index.json").read_text())
    listed["models"]["javascript:alert(1)"] = listed["models"]["m"]
    (cdn / "index.json").write_text(json.dumps(listed))
    assert b"javascript:" not in site.root_page(open_storage(cdn))


def test_publishers_at_once_leave_pages_that_show_the_index(tmp_path: Path) -> None:
    cdn = tmp_path / "cdn"

    def publish_all(name: str) -> None:
        for number in range(5):
            published(tmp_path / name, cdn, name.encode(), name=name, n=number)

    threads = [threading.Thread(target=publish_all, args=(name,)) for name in ("m", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    storage = open_storage(cdn)
    assert (cdn / "index.html").read_bytes() == site.root_page(storage)
    for name, model in read_index(storage).items():
        page = (cdn / name / "index.html").read_bytes()
        assert page == site.model_page(storage, name)
        assert page.count(b"releases/") >= len(model["releases"]) == 5
