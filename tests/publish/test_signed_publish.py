"""Publishing with and without a key, as a user does it, of one quick build."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keys
import pytest
from click.testing import Result
from commands import pipeline
from shared_store import SharedStore

from pipeline.base.errors import PipelineError
from pipeline.publish.delivery.compress import TWINS
from pipeline.publish.release import bom
from pipeline.publish.release.release import MANIFEST
from pipeline.publish.trust import signing
from pipeline.publish.trust.signature import PASSWORD, SIGNATURE, Signer
from pipeline.publish.trust.signed import SignatureVerdict, Trusted, check
from pipeline.storage import open_storage

CONFIG = Path(__file__).parents[2] / "configs/mobilenet.yaml"
QUICK = (
    "variants={fp32: {}}",
    "export={onnx: {}}",
    "validate={backends: [onnxruntime-cpu]}",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, shared_store: SharedStore) -> Path:
    """Of a finished build, published unsigned."""
    store = shared_store.store("signed")
    run("build", store, tmp_path_factory.mktemp("signed") / "cdn")
    return store


def run(
    command: str, store: Path, cdn: Path, *more: object, check: int = 0, **environment: str
) -> Result:
    """A command on the quick config."""
    settings = [word for one in (*QUICK, f"publish.to={cdn}") for word in ("--set", one)]
    return pipeline(command, CONFIG, "--store", store, *settings, *more, check=check, **environment)


def release(cdn: Path) -> Path:
    (manifest,) = cdn.glob("mobilenet/releases/*/manifest.json")
    return manifest.parent


def verdict(cdn: Path, public: Path) -> SignatureVerdict:
    folder = release(cdn)
    return check(lambda name: (folder / name).read_bytes(), Trusted(public))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_without_a_key_it_is_published_and_said_to_be_unsigned(store: Path, tmp_path: Path) -> None:
    done = run("publish", store, tmp_path)
    assert "not signed: --sign-key FILE signs it" in done.stdout
    shown: dict[str, Any] = json.loads(run("publish", store, tmp_path, "--json").stdout)
    assert shown["published"]["signed"] is False
    assert {bom.BOM, "manifest.json", "report.html"} <= content(release(tmp_path)).keys()


def test_with_a_key_everything_in_the_release_is_signed(store: Path, tmp_path: Path) -> None:
    private, public = keys.pair(tmp_path)
    done = run("publish", store, tmp_path / "cdn", "--sign-key", private)
    assert "signed" in done.stdout.splitlines()
    found = verdict(tmp_path / "cdn", public)
    assert found.ok
    there = content(release(tmp_path / "cdn")).keys()
    assert set(found.covered) == there - {SIGNATURE}
    assert {MANIFEST + suffix for suffix in TWINS} <= there
    assert_openssf_accepts(release(tmp_path / "cdn"), public)


def test_a_build_signs_too_and_takes_the_key_from_the_environment(
    store: Path, tmp_path: Path
) -> None:
    private, public = keys.pair(tmp_path, password="open sesame")
    named = {"PIPELINE_SIGN_KEY": str(private), PASSWORD: "open sesame"}
    run("build", store, tmp_path / "cdn", **named)
    assert verdict(tmp_path / "cdn", public).ok


def test_what_is_published_unsigned_is_signed_later_and_nothing_else_changes(
    store: Path, tmp_path: Path
) -> None:
    private, public = keys.pair(tmp_path)
    run("publish", store, tmp_path / "cdn")
    before = content(release(tmp_path / "cdn"))
    run("publish", store, tmp_path / "cdn", "--sign-key", private)
    after = content(release(tmp_path / "cdn"))
    assert after.keys() - before.keys() == {SIGNATURE}
    assert {name: after[name] for name in before} == before
    found = verdict(tmp_path / "cdn", public)
    assert found.ok
    assert found.said.endswith(": bom.cdx.json, manifest.json, page.json")
    assert_openssf_accepts(release(tmp_path / "cdn"), public)
    # Signed is signed: once more changes nothing.
    run("publish", store, tmp_path / "cdn", "--sign-key", private)
    assert content(release(tmp_path / "cdn")) == after


def assert_openssf_accepts(folder: Path, public: Path) -> None:
    words = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    words += ["--signature", str(folder / SIGNATURE), "--public_key", str(public)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_was_changed_since_is_not_vouched_for(store: Path, tmp_path: Path) -> None:
    """Whoever wrote into the CDN folder does not get a signature for it."""
    private, public = keys.pair(tmp_path)
    run("publish", store, tmp_path / "cdn")
    (release(tmp_path / "cdn") / bom.BOM).write_text("{}")
    run("publish", store, tmp_path / "cdn", "--sign-key", private)
    assert verdict(tmp_path / "cdn", public).said.endswith(": manifest.json, page.json")


def test_a_release_has_one_signature(store: Path, tmp_path: Path) -> None:
    first, public = keys.pair(tmp_path, "first")
    second, _ = keys.pair(tmp_path, "second")
    run("publish", store, tmp_path / "cdn", "--sign-key", first)
    done = run("publish", store, tmp_path / "cdn", "--sign-key", second, check=1)
    assert f"{SIGNATURE}: is there, and no signature with {second}" in done.stderr
    assert "remove the file and publish again" in done.stderr
    assert verdict(tmp_path / "cdn", public).ok


def test_a_file_that_is_no_signature_is_not_taken_for_one(store: Path, tmp_path: Path) -> None:
    run("publish", store, tmp_path)
    (release(tmp_path) / SIGNATURE).write_text("garbage")
    assert "not signed" in run("publish", store, tmp_path).stdout
    # An identity has no key here to check it with, and does not take it for its own either.
    identity = Signer("as this CI job", lambda: pytest.fail("signed"), None)
    published = json.loads((release(tmp_path) / MANIFEST).read_text())
    with pytest.raises(PipelineError, match="is there, and no signature as this CI job"):
        signing.ensure(open_storage(tmp_path), published, identity)


def test_with_a_wrong_password_nothing_is_published(store: Path, tmp_path: Path) -> None:
    private, _ = keys.pair(tmp_path, password="open sesame")
    options = ("--sign-key", private)
    done = run("publish", store, tmp_path / "cdn", *options, check=2, **{PASSWORD: "sesame"})
    assert done.stderr == f"error: {private}: the password is wrong\n  correct {PASSWORD}\n"
    assert not (tmp_path / "cdn").exists()


def test_from_python(store: Path, tmp_path: Path) -> None:
    private, public = keys.pair(tmp_path)
    overrides = [*QUICK, f"publish.to={tmp_path / 'cdn'}"]
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from pipeline import build, load_config\n"
        "if __name__ == '__main__':\n"
        f"    config = load_config({str(CONFIG)!r}, {overrides!r})\n"
        f"    store, key = Path({str(store)!r}), Path({str(private)!r})\n"
        "    print(build(config, store=store, sign_key=key).signed)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr
    assert verdict(tmp_path / "cdn", public).ok
